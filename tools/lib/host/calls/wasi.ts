import { randomFillSync } from "node:crypto";
import { OK } from "../status.ts";
import type { VmState } from "../vm-state.ts";

const MONOTONIC = 1;

/** The clock, the random numbers and the environment of WASI. */
export function wasiCalls(vm: VmState): WebAssembly.ModuleImports {
  return {
    clock_time_get(id: number, _precision: bigint, out: number) {
      vm.calls.push("clock_time_get");
      const time = id === MONOTONIC ? vm.process.now : vm.process.wall;
      new DataView(vm.exports.memory.buffer).setBigUint64(out, time, true);
      return OK;
    },
    environ_sizes_get(count: number, size: number) {
      const variables = environment(vm);
      const view = new DataView(vm.exports.memory.buffer);
      view.setUint32(count, variables.length, true);
      view.setUint32(size, Buffer.concat(variables).length, true);
      return OK;
    },
    environ_get(pointers: number, buffer: number) {
      let at = buffer;
      const view = new DataView(vm.exports.memory.buffer);
      for (const [index, variable] of environment(vm).entries()) {
        view.setUint32(pointers + 4 * index, at, true);
        new Uint8Array(vm.exports.memory.buffer).set(variable, at);
        at += variable.length;
      }
      return OK;
    },
    random_get(buffer: number, size: number) {
      randomFillSync(new Uint8Array(vm.exports.memory.buffer, buffer, size));
      return OK;
    },
  };
}

function environment({ process }: VmState): Buffer[] {
  return [...process.environment].map(([name, value]) => Buffer.from(`${name}=${value}\0`));
}
