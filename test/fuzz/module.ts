import { readFile } from "node:fs/promises";
import { HostProcess } from "../../tools/lib/host/process.ts";
import { Vm } from "../../tools/lib/host/vm.ts";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import type { ModuleName } from "../../tools/lib/wasm/modules.ts";
import { BRANCHES_AT, type BranchMap, type Instrumented, instrumented, STEPS } from "./instrument.ts";

/** A module that counts its branches and steps, while it runs in some host. */
export class Counted {
  readonly name: string;
  readonly map: BranchMap;
  private readonly memory: WebAssembly.Memory;
  private readonly stepsLeft: WebAssembly.Global;
  /** Of each branch: was it ever seen? */
  readonly seen: Uint8Array;
  /** Most steps that a case took. */
  mostSteps = 0;
  private budget = 0;

  constructor(name: string, map: BranchMap, exports: object) {
    this.name = name;
    this.map = map;
    const all = exports as Record<string, unknown>;
    this.memory = all.memory as WebAssembly.Memory;
    this.stepsLeft = all[STEPS] as WebAssembly.Global;
    this.seen = new Uint8Array(map.branches.length);
  }

  /** Begins a case that may take so many turns of loops. */
  start(budget: number): void {
    this.budget = budget;
    this.stepsLeft.value = budget;
  }

  /** Did the case use up its steps? */
  get spent(): boolean {
    return this.stepsLeft.value < 0;
  }

  /** Ends a case. @returns how many branches it was the first to reach */
  end(): number {
    this.mostSteps = Math.max(this.mostSteps, this.budget - this.stepsLeft.value);
    const now = this.branches();
    const words = now.length >>> 2;
    const a = new Uint32Array(this.memory.buffer, BRANCHES_AT, words);
    const b = new Uint32Array(this.seen.buffer, 0, words);
    let same = true;
    for (let i = 0; i < words && same; i++) same = ((a[i] as number) & ~(b[i] as number)) === 0;
    for (let i = words * 4; i < now.length && same; i++) same = now[i] === 0 || this.seen[i] === 1;
    if (same) return 0;
    let fresh = 0;
    for (let i = 0; i < now.length; i++) {
      if (now[i] === 1 && this.seen[i] === 0) {
        this.seen[i] = 1;
        fresh++;
      }
    }
    return fresh;
  }

  /** The branches that ran since they were last cleared. */
  branches(): Uint8Array {
    return new Uint8Array(this.memory.buffer, BRANCHES_AT, this.map.branches.length);
  }

  clear(): void {
    this.branches().fill(0);
  }

  get pages(): number {
    return this.memory.buffer.byteLength / 65_536;
  }
}

/** A filter in the Node host, instrumented. */
export async function countedVm(
  name: ModuleName,
  process = new HostProcess(),
): Promise<{ vm: Vm; counted: Counted }> {
  const { path, map } = await instrumented(name, `filters/${name}/module.ts`);
  return countedFilter(name, { path, map }, process);
}

export function countedFilter(
  name: string,
  { path, map }: Instrumented,
  process = new HostProcess(),
): { vm: Vm; counted: Counted } {
  const vm = new Vm(path, process);
  return { vm, counted: new Counted(name, map, vm.exports) };
}

/** A module of test/wasm, instrumented; what host calls it makes throw. */
export async function countedModule<Exports extends object>(
  name: string,
): Promise<{ wasm: Exports & { memory: WebAssembly.Memory }; counted: Counted }> {
  const { path, map } = await instrumented(name, `test/wasm/${name}.ts`);
  const module = new WebAssembly.Module(await readFile(new URL(path, PROJECT_ROOT)));
  const imports: Record<string, Record<string, () => never>> = {};
  for (const { module: from, name: call } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][call] = () => {
      throw new Error(`pure code called the host: ${call}`);
    };
  }
  const { exports } = new WebAssembly.Instance(module, imports);
  (exports._initialize as () => void)();
  return {
    wasm: exports as unknown as Exports & { memory: WebAssembly.Memory },
    counted: new Counted(name, map, exports),
  };
}
