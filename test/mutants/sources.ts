import { existsSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";

const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g;

/**
 * What an entry file is made of: itself, what it imports by a relative path, and what that imports;
 * TypeScript and AssemblyScript, which leaves out the ending.
 * @param root the checkout @param entry path in it @returns paths in the checkout
 */
export function sourcesOf(root: string, entry: string): Set<string> {
  const found = new Set([entry]);
  for (const name of found) {
    if (!name.endsWith(".ts")) continue;
    for (const [, path] of readFileSync(join(root, name), "utf8").matchAll(IMPORT)) {
      const plain = posix.join(dirname(name), path as string);
      const imported = [plain, `${plain}.ts`, `${plain}/index.ts`].find((each) => isFile(root, each));
      if (imported !== undefined) found.add(imported);
    }
  }
  return found;
}

function isFile(root: string, name: string): boolean {
  return /\.\w+$/.test(name) && existsSync(join(root, name));
}
