import { expect } from "vitest";
import { HostProcess } from "../../tools/lib/host/process.ts";
import type { Stream } from "../../tools/lib/host/stream.ts";
import { Vm } from "../../tools/lib/host/vm.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";

export const SECOND = 1_000_000_000n;
export const MILLISECOND = 1_000_000n;

export interface Workers {
  process: HostProcess;
  vms: Vm[];
}

/** VMs of one Envoy process with the rate-limit filter. */
export function workers(count: number, config: object, process = new HostProcess()): Workers {
  const vms = Array.from({ length: count }, () => new Vm(modulePath("rate-limit"), process));
  for (const vm of vms) expect(vm.configure({ rateLimit: config }), vm.logs.join("\n")).toBe(true);
  return { process, vms };
}

/** A request of headers only that comes and ends. @returns the stream, with the local reply if it was refused */
export function request(
  vm: Vm,
  headers: Record<string, string> = { taskid: "1" },
  filterState: Record<string, string> = {},
): Stream {
  const stream = vm.open(headers, true, filterState);
  stream.close();
  return stream;
}

export function admitted(vm: Vm, taskid = "1"): boolean {
  return request(vm, { taskid }).reply === undefined;
}

/** How many of so many requests are admitted, spread evenly over the VMs. */
export function count(
  vms: Vm[],
  requests: number,
  headers: Record<string, string> = { taskid: "1" },
): number {
  let sum = 0;
  for (let i = 0; i < requests; i++) {
    if (request(vms[i % vms.length] as Vm, headers).reply === undefined) sum++;
  }
  return sum;
}

export function tickAll({ vms }: Workers): void {
  for (const vm of vms) vm.tick();
}

export function header(stream: Stream, name: string): string | undefined {
  return stream.reply?.headers.find(([key]) => key === name)?.[1];
}
