import { readFileSync } from "node:fs";
import { PROJECT_ROOT } from "../../lib/installation.ts";

/**
 * What a command failed of, for its user. Packages that only some commands need are optional peers in
 * package.json: where one is missing, the message says how to install it.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, message } = error as NodeJS.ErrnoException;
  const name = /^Cannot find package '([^']+)'/.exec(message)?.[1];
  if (code !== "ERR_MODULE_NOT_FOUND" || name === undefined) return message;
  const { peerDependencies = {} } = JSON.parse(readFileSync(new URL("package.json", PROJECT_ROOT), "utf8"));
  const missing = name in peerDependencies ? `${name}@${peerDependencies[name]}` : name;
  return `this needs the package ${name}, which is not installed: run npm install ${missing} where modelgate is installed (with -g if it is global)`;
}
