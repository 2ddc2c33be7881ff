import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";

const ROOT = fileURLToPath(PROJECT_ROOT);
const ROUTE = "filters/model-protocol/route.ts";

/** Compiles the conversion with another text of route.ts. @returns the compiler's errors */
async function errorsWith(edit: (route: string) => string): Promise<string> {
  const { default: asc } = await import("assemblyscript/asc");
  const { error, stderr } = await asc.main(
    [
      "filters/protocol-conversion/module.ts",
      "--config",
      "asconfig.json",
      "--noEmit",
      "-O0",
      "--baseDir",
      ROOT,
    ],
    {
      readFile: async (name) => {
        const text = await readFile(join(ROOT, name), "utf8").catch(() => null);
        return text && name === ROUTE ? edit(text) : text;
      },
    },
  );
  return error ? stderr.toString() : "";
}

it("an operation without a row in the table does not compile", async () => {
  expect(await errorsWith((route) => route)).toBe("");
  const errors = await errorsWith((route) => route.replace("  Regress,\n", "  Regress,\n  Mutant,\n"));
  expect(errors).toContain("each Operation needs a row in filters/protocol-conversion/operations.ts");
});
