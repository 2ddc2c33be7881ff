import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";

/** The names in the list that begins with `start`. */
function listOf(file: string, start: string): string[] {
  const [, list = ""] = readFileSync(new URL(file, PROJECT_ROOT), "utf8").split(start);
  return [...list.slice(0, list.indexOf("]")).matchAll(/"([^"]+)"/g)].map(([, name]) => name as string);
}

it("schema and filter reserve the same headers", () => {
  const inSchema = listOf("tools/api/fields.ts", "const RESERVED_HEADERS = [");
  const inFilter = listOf("filters/tenant-auth/own-headers.ts", "const RESERVED: string[] = [");
  expect(inSchema.length).toBeGreaterThan(10);
  expect(inFilter).toEqual(inSchema);
});
