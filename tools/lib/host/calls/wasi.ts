import { randomFillSync } from "node:crypto";
import { OK } from "../status.ts";
import type { VmState } from "../vm-state.ts";

const MONOTONIC = 1;

/** The clock and the random numbers of WASI. */
export function wasiCalls(vm: VmState): WebAssembly.ModuleImports {
  return {
    clock_time_get(id: number, _precision: bigint, out: number) {
      vm.calls.push("clock_time_get");
      const time = id === MONOTONIC ? vm.process.now : vm.process.wall;
      new DataView(vm.exports.memory.buffer).setBigUint64(out, time, true);
      return OK;
    },
    random_get(buffer: number, size: number) {
      randomFillSync(new Uint8Array(vm.exports.memory.buffer, buffer, size));
      return OK;
    },
  };
}
