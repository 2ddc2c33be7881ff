import { mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type TemporaryFolder, temporaryFolder } from "../../../tools/lib/temporary-folder.ts";
import { compileConverter } from "../../../tools/local/converter/compile.ts";

const GOOD = `import { InferRequest, ModelResponse, Request } from "modelgate/converter";
export function before(request: Request): InferRequest | null {
  return null;
}
export function after(response: ModelResponse): Uint8Array | null {
  return null;
}
`;

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder(join(tmpdir(), "modelgate-errors-"));
});
afterAll(() => folder.remove());

/** What the compiler says of a converter, with FILE for its path. */
async function faults(source: string): Promise<string> {
  const own = join(folder.path, "own");
  await rm(own, { recursive: true, force: true });
  await mkdir(own);
  await writeFile(join(own, "converter.ts"), source);
  const fault = await compileConverter(own, join(own, "out.wasm")).then(
    () => "",
    (error: Error) => error.message,
  );
  return fault.replaceAll(relative(process.cwd(), join(own, "converter.ts")), "FILE");
}

it("says file, line and column, and shows the line", async () => {
  expect(await faults(GOOD.replace("return null", "return nothing"))).toBe(
    ["FILE:3:10: Cannot find name 'nothing'. (TS2304)", "      return nothing;", "             ~~~~~~~"].join(
      "\n",
    ),
  );
});

it.each([
  ["after", GOOD.replace("function after", "function afterwards"), "ModelResponse): Uint8Array | null"],
  ["before", GOOD.replace("export function before", "function before"), "Request): InferRequest | null"],
])("names the missing %s, and nothing else", async (name, source, signature) => {
  const text = await faults(source);
  expect(text.startsWith(`FILE: exports no function \`${name}\`: export function ${name}(`)).toBe(true);
  expect(text).toContain(signature);
  expect(text.split("\n")).toHaveLength(1);
});

it("tells of a wrong signature what it must be", async () => {
  const text = await faults(GOOD.replace("after(response: ModelResponse)", "after(response: Request)"));
  expect(text.split("\n")[0]).toBe(
    "FILE: `after` must be: export function after(response: ModelResponse): Uint8Array | null",
  );
});

it("leaves out what only follows from an error before", async () => {
  const source = GOOD.replace("{ InferRequest,", "{ Infer, InferRequest,").replace(
    "return null",
    "const a: Infer | null = null; const b = new Infer(); return null",
  );
  const text = await faults(source);
  expect(text.match(/^FILE:\d+:\d+: .*$/gm)).toEqual([
    "FILE:1:10: Module '~lib/modelgate/converter' has no exported member 'Infer'. (TS2305)",
  ]);
});
