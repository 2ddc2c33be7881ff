import { expect, it } from "vitest";
import { loops, roomOf, unplaced, wrongFloors } from "../support/house/imports.ts";
import { type Finding, type Source, sourceOf } from "../support/house/source.ts";
import { bareSleeps, hooksOfHelpers, longComments, longFiles, unitsMissing } from "../support/house/text.ts";
import { deadFiles, unusedExports, wrongCommandExports } from "../support/house/use.ts";

/** Files by their paths. */
function tree(files: Record<string, string>): Source[] {
  return Object.entries(files).map(([path, text]) => sourceOf(path, text, (each) => each in files));
}

const places = (findings: Finding[]) => findings.map(({ path, line }) => `${path}:${line}`);

it("reads what a file imports and exports, and not what strings and comments say", () => {
  const [source] = tree({
    "tools/lib/a.ts": `import { b, type C as D } from "./b.ts"; // import { x } from "./x.ts"
export const text = \`export const no = \${b("it's /* no comment */")}\`;
const pattern = /"[/]/.test("x") && /* export function gone() {} */ true;
export async function f() {
  const { one } = await import("./b.ts");
}
/* import "./b.ts"; */
export default class G {}
export { pattern as shown };
`,
    "tools/lib/b.ts": "export const b = 1;",
  });
  expect(source?.imports.map(({ target, names, line }) => [target, names, line])).toEqual([
    ["tools/lib/b.ts", ["b", "C"], 1],
    ["tools/lib/b.ts", ["one"], 5],
  ]);
  expect(source?.exports.map(({ name, line }) => `${name} ${line}`)).toEqual([
    "text 2",
    "f 4",
    "G 8",
    "shown 9",
  ]);
});

it("finds folders that are on no floor", () => {
  const paths = [
    "tools/lib/a.ts",
    "tools/node/package.json",
    "filters/tsconfig.json",
    "filters/gateway/README.md",
  ];
  expect(places(unplaced(paths))).toEqual(["tools/node/package.json:1"]);
});

it("finds imports that lead up, to a neighbour, or out of the tree", () => {
  const sources = tree({
    "tools/lib/a/a.ts": 'import "../../api/b.ts";',
    "tools/api/b.ts": 'import "../lib/a/a.ts";',
    "tools/servers/s/s.ts": 'import "../../lib/a/a.ts";\nimport "../../serving/t/t.ts";',
    "tools/serving/t/t.ts": "",
    "tools/cli/c.ts": 'import "../../filters/gateway/module.ts";',
    "tools/other/o.ts": 'import "../lib/a/a.ts";',
    "filters/sdk/bytes/b.ts": 'import { h } from "../host/h";',
    "filters/sdk/host/h.ts": 'import { b } from "modelgate/sdk/bytes/b";',
    "filters/converter/c.ts": 'import { p } from "../protocol-conversion/p";',
    "filters/protocol-conversion/p.ts": 'import { h } from "../sdk/host/h";',
    "filters/gateway/module.ts": 'import { p } from "../protocol-conversion/p";',
  });
  expect(places(wrongFloors(sources))).toEqual([
    "tools/lib/a/a.ts:1",
    "tools/servers/s/s.ts:2",
    "tools/cli/c.ts:1",
    "tools/other/o.ts:1",
    "filters/sdk/bytes/b.ts:1",
    "filters/converter/c.ts:1",
  ]);
});

it("finds rooms and files that lead back into themselves, each circle once", () => {
  const sources = tree({
    "tools/lib/a/1.ts": 'import "../b/1.ts";',
    "tools/lib/b/1.ts": 'import type { X } from "./2.ts";',
    "tools/lib/b/2.ts": '\nimport { y } from "../a/2.ts";',
    "tools/lib/a/2.ts": 'import "./3.ts";',
    "tools/lib/a/3.ts": "import type { Z } from './2.ts';\nimport type { Z } from \"./2.ts\";",
  });
  expect(places(loops(sources, roomOf))).toEqual(["tools/lib/a/1.ts:1"]);
  expect(loops(sources, (path) => path).map(({ text }) => text.split(". ")[0])).toEqual([
    "leads back to where it came from: tools/lib/a/2.ts -> tools/lib/a/3.ts -> tools/lib/a/2.ts",
  ]);
});

it("finds what no other file needs", () => {
  const product = tree({
    "tools/lib/a.ts": `export const used = 1;
export const own = 2;
export const dead = own;
export const seam = 3;
export const onlyTested = seam;
export const ofSpace = 4;
`,
    "tools/lib/b.ts":
      'import { used } from "./a.ts";\nimport * as a from "./a.ts";\nexport default a.ofSpace + used;',
  });
  const tests = tree({
    "test/a.test.ts": 'import { onlyTested, seam } from "../tools/lib/a.ts";',
    "tools/lib/a.ts": "",
  }).slice(0, 1);
  const found = unusedExports(product, tests, ({ path }) => path === "tools/lib/b.ts");
  expect(found.map(({ line, text }) => `${line} ${text}`)).toEqual([
    "2 no other file imports own: take its `export` away",
    "3 nothing uses dead: delete it",
    "5 only tests use onlyTested: let them use what the product uses, or move it to test/support",
  ]);
});

it("finds files that nothing starts, through imports, names in strings and pages", () => {
  const sources = tree({
    "tools/cli/main.ts": 'const FOLDER = new URL("page/", import.meta.url);\nread(FOLDER, "index.html");',
    "tools/cli/page/index.html": '<script src="/page/page.ts"></script>',
    "tools/cli/page/page.ts": 'import type { T } from "./t.ts";',
    "tools/cli/page/t.ts": "",
    "tools/cli/page/dead.ts": 'import "./t.ts";',
  });
  expect(places(deadFiles(sources, ({ path }) => path === "tools/cli/main.ts"))).toEqual([
    "tools/cli/page/dead.ts:1",
  ]);
});

it("finds commands that export more than themselves", () => {
  const sources = tree({
    "tools/cli/commands/get.ts": "export function getCommand() {}\nexport type Kind = string;",
    "tools/cli/options/kind.ts": "export type Kind = string;",
  });
  expect(places(wrongCommandExports(sources))).toEqual(["tools/cli/commands/get.ts:2"]);
});

it("finds times without a unit, or with one of another spelling", () => {
  const [source] = tree({
    "tools/lib/a.ts": `const RETRY_DELAY = 5;
const RETRY_DELAY_MS = 5;
interface A { timeout: number; timeoutMs: number; timeoutOfText: string; waitSeconds?: number }
let pauseNanos: u64 = 0, pause: u64 = 0;
const TICK_MILLISECONDS: u32 = 5;
function f(leaseMilliseconds: number, milliseconds: number, grace: "a" | "b") {}
// elapsed: number
`,
  });
  expect(places(unitsMissing([source as Source])).toSorted()).toEqual(
    [1, 3, 4, 5, 6].map((line) => `tools/lib/a.ts:${line}`),
  );
});

it("finds long files and long comments, and lets long strings be", () => {
  const long = "x".repeat(111);
  const sources = tree({
    "tools/lib/long.ts": "f();\n".repeat(251),
    "tools/lib/commented.ts": `${"// why\n\n".repeat(251)}/**\n * ${long}\n */\nf("// ${long}"); // ${long}\n`,
  });
  expect(places(longFiles(sources))).toEqual(["tools/lib/long.ts:251"]);
  expect(places(longComments(sources))).toEqual(["tools/lib/commented.ts:504"]);
});

it("finds sleeps that do not say what for", () => {
  const sources = tree({
    "test/support/pace.ts": "export const pace = (ms) => new Promise((resolve) => setTimeout(resolve, ms));",
    "test/unit/a.test.ts": `import { setTimeout as wait } from "node:timers/promises";
await pace(5);
await sleep(5);
await new Promise((resolve) => setTimeout(resolve, 5));
const timer = setTimeout(resolve, 5); // await sleep(5)
`,
  });
  expect(places(bareSleeps(sources, "test/support/pace.ts"))).toEqual([
    "test/unit/a.test.ts:1",
    "test/unit/a.test.ts:3",
    "test/unit/a.test.ts:4",
  ]);
});

it("finds hooks that a helper sets when it is loaded", () => {
  const sources = tree({
    "test/support/a.ts": "\nafterEach(() => {});\nexport function b() {\n  afterAll(() => {});\n}",
    "test/unit/a.test.ts": "beforeAll(() => {});",
  });
  expect(places(hooksOfHelpers(sources))).toEqual(["test/support/a.ts:2"]);
});
