import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { PROJECT_ROOT } from "./installation.ts";

/** The commit that is checked out here; undefined where git knows of none. */
export async function checkedOutCommit(): Promise<string | undefined> {
  const cwd = fileURLToPath(PROJECT_ROOT);
  const git = await promisify(execFile)("git", ["rev-parse", "HEAD"], { cwd }).catch(() => undefined);
  return git?.stdout.trim();
}
