import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type binaryenTypes from "binaryen";
import { cachePath, PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { CompileCache, type Source } from "../../tools/lib/wasm/compile-cache.ts";

const ROOT = fileURLToPath(PROJECT_ROOT);

/**
 * Compiles modules that note which of their branches ran: before the optimizer sees it, each function, each arm of an `if` and each
 * way of a conditional break stores 1 into a byte of its own, so that functions keep their names and what is inlined still counts
 * for them. Each turn of a loop takes one from a budget of steps, and traps when it is spent.
 */

/** Where the bytes of branches lie: below the module's own data. */
export const BRANCHES_AT = 1024;
/** As asconfig.json says for the target `fuzz`. */
const MEMORY_BASE = 65_536;
const MOST_BRANCHES = MEMORY_BASE - BRANCHES_AT;
export const STEPS = "fuzz.steps";

/** Byte i of the map is the branch `branches[i]` of a function such as `filters/sdk/bytes/protobuf/readVarint`. */
export interface BranchMap {
  functions: string[];
  /** Of each branch: its function's place in `functions`. */
  branches: number[];
}

type Module = binaryenTypes.Module;
type ExpressionRef = binaryenTypes.ExpressionRef;

/** What its types leave out, or tell wrongly: accessors of expressions and functions. */
type Get = (expression: ExpressionRef) => ExpressionRef;
type Set = (expression: ExpressionRef, child: ExpressionRef) => void;
interface Accessors {
  If: { getIfTrue: Get; setIfTrue: Set; getIfFalse: Get; setIfFalse: Set };
  Select: { getCondition: Get; setCondition: Set };
  Break: { getCondition: Get; setCondition: Set };
  Loop: { getBody: Get; setBody: Set };
  Function: { getBody: Get; setBody: Set; getName(fn: number): string };
}
type Binaryen = typeof binaryenTypes & Accessors;

/** What of an expression's description are expressions in their turn. */
const CHILDREN = [
  ...["body", "condition", "value", "ifTrue", "ifFalse", "target", "ptr", "left", "right", "delta"],
  ...["dest", "source", "size", "vec", "a", "b", "c", "shift"],
];
const LISTS = ["children", "operands"];

/** Puts the counters into a module. */
function instrument(binaryen: Binaryen, module: Module): BranchMap {
  const map: BranchMap = { functions: [], branches: [] };
  const note = (fn: number): ExpressionRef => {
    const at = BRANCHES_AT + map.branches.push(fn) - 1;
    return module.i32.store8(0, 1, module.i32.const(at), module.i32.const(1), "0");
  };
  const i32 = binaryen.i32;
  const type = (expression: ExpressionRef) => binaryen.getExpressionType(expression);
  const leaves: number[] = [binaryen.ConstId, binaryen.NopId, binaryen.UnreachableId, binaryen.PopId];
  const noted = (fn: number, arm: ExpressionRef) => module.block(null, [note(fn), arm], type(arm));

  const walk = (expression: ExpressionRef, fn: number): void => {
    if (leaves.includes(binaryen.getExpressionId(expression))) return;
    const info = binaryen.getExpressionInfo(expression) as object as Record<string, unknown> & { id: number };
    for (const key of CHILDREN) {
      const child = info[key];
      if (typeof child === "number" && child !== 0) walk(child, fn);
    }
    for (const key of LISTS)
      for (const child of (info[key] ?? []) as ExpressionRef[]) if (child !== 0) walk(child, fn);

    if (info.id === binaryen.IfId) {
      binaryen.If.setIfTrue(expression, noted(fn, binaryen.If.getIfTrue(expression)));
      const otherwise = binaryen.If.getIfFalse(expression);
      binaryen.If.setIfFalse(expression, otherwise === 0 ? note(fn) : noted(fn, otherwise));
    } else if (info.id === binaryen.SelectId) {
      const condition = binaryen.Select.getCondition(expression);
      binaryen.Select.setCondition(expression, bothWays(condition, fn));
    } else if (info.id === binaryen.BreakId) {
      const condition = binaryen.Break.getCondition(expression);
      if (condition !== 0) binaryen.Break.setCondition(expression, bothWays(condition, fn));
    } else if (info.id === binaryen.LoopId) {
      const body = binaryen.Loop.getBody(expression);
      binaryen.Loop.setBody(expression, module.block(null, [step(), body], type(body)));
    }
  };
  const bothWays = (condition: ExpressionRef, fn: number): ExpressionRef =>
    module.if(
      condition,
      module.block(null, [note(fn), module.i32.const(1)], i32),
      module.block(null, [note(fn), module.i32.const(0)], i32),
    );
  const step = (): ExpressionRef =>
    module.block(null, [
      module.global.set(STEPS, module.i32.sub(module.global.get(STEPS, i32), module.i32.const(1))),
      module.if(module.i32.lt_s(module.global.get(STEPS, i32), module.i32.const(0)), module.unreachable()),
    ]);

  module.addGlobal(STEPS, i32, true, module.i32.const(2 ** 31 - 1));
  module.addGlobalExport(STEPS, STEPS);
  for (let i = module.getNumFunctions() - 1; i >= 0; i--) {
    const ref = module.getFunctionByIndex(i);
    const body = binaryen.Function.getBody(ref);
    if (body === 0) continue;
    const fn = map.functions.push(binaryen.Function.getName(ref)) - 1;
    const entry = note(fn);
    walk(body, fn);
    binaryen.Function.setBody(ref, module.block(null, [entry, body], type(body)));
  }
  if (map.branches.length > MOST_BRANCHES) throw new Error(`${map.branches.length} branches are too many`);
  return map;
}

export interface Instrumented {
  path: string;
  map: BranchMap;
}

/** Modules of this process, by optimizer and name. */
const made = new Map<string, Promise<Instrumented>>();
let optimized = true;

/** From here on modules are left as the compiler made them, which takes a third of the time: for short runs. */
export function withoutOptimizer(): void {
  optimized = false;
}

/** Compiles an entry file into build/fuzz, or copies from `.cache/wasm` what was made before of the same sources. */
export function instrumented(name: string, entryFile: string): Promise<Instrumented> {
  const path = fileURLToPath(new URL(`build/fuzz/${optimized ? "" : "plain/"}${name}.wasm`, PROJECT_ROOT));
  const module = made.get(path) ?? make(entryFile, path);
  made.set(path, module);
  return module;
}

async function make(entryFile: string, path: string): Promise<Instrumented> {
  await mkdir(dirname(path), { recursive: true });
  const mapFile = `${path}.branches.json`;
  const options = optimized ? [] : ["--optimizeLevel", "0"];
  const source = (name: string) => readFile(resolve(ROOT, name), "utf8").catch(() => null);
  const cache = new CompileCache(cachePath("wasm"), source, [".branches.json"]);
  const { devDependencies } = JSON.parse((await source("package.json")) ?? "");
  const how = ["fuzz", entryFile, "by assemblyscript", devDependencies.assemblyscript, ...options].join(" ");
  if (!(await cache.restore(how, path))) {
    await cache.read("test/fuzz/instrument.ts");
    const map = await compile(entryFile, path, options, (name) => cache.read(name));
    await writeFile(mapFile, JSON.stringify(map));
    await cache.keep(how, path);
  }
  return { path, map: JSON.parse(await readFile(mapFile, "utf8")) as BranchMap };
}

async function compile(entryFile: string, path: string, options: string[], read: Source): Promise<BranchMap> {
  const { default: asc } = await import("assemblyscript/asc");
  let map: BranchMap | undefined;
  class Transform {
    declare binaryen: Binaryen;
    afterCompile(module: Module): void {
      map = instrument(this.binaryen, module);
    }
  }
  const { error, stderr } = await asc.main(
    [
      ...[entryFile, "--baseDir", ROOT, "--config", "asconfig.json", "--target", "fuzz", ...options],
      ...["--outFile", relative(ROOT, path), "--disableWarning"],
    ],
    { readFile: read, transforms: [Transform as never] },
  );
  if (error || !map) throw new Error(`${entryFile} does not compile\n${stderr.toString()}`);
  return map;
}
