import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";

export interface TemporaryFolder {
  path: string;
  remove(): Promise<void>;
}

/**
 * Makes a new folder whose path starts with `prefix`; it goes when it is removed or when this process exits.
 */
export async function temporaryFolder(prefix: string): Promise<TemporaryFolder> {
  const path = await mkdtemp(prefix);
  const removeNow = () => rmSync(path, { recursive: true, force: true });
  process.once("exit", removeNow);
  return {
    path,
    async remove() {
      process.off("exit", removeNow);
      await rm(path, { recursive: true, force: true });
    },
  };
}
