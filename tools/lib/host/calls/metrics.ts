import { NOT_FOUND, OK } from "../status.ts";
import type { HostCall, VmState } from "../vm-state.ts";

/** Metrics: counters count, others take what they get. */
export function metricCalls(vm: VmState): Record<string, HostCall> {
  const { metricNames } = vm.process;
  return {
    proxy_define_metric(_type: number, name: number, size: number, out: number) {
      const key = vm.text(name, size);
      if (!metricNames.includes(key)) metricNames.push(key);
      vm.setWord(out, metricNames.indexOf(key));
      return OK;
    },
    proxy_record_metric: () => OK,
    proxy_get_metric: () => NOT_FOUND,
  };
}

/** Alone among host calls it takes a 64-bit number. */
export function incrementMetric(vm: VmState): (id: number, amount: bigint) => number {
  const { metricNames, counters } = vm.process;
  return (id, amount) => {
    vm.calls.push("increment_metric");
    const name = metricNames[id] as string;
    counters.set(name, (counters.get(name) ?? 0) + Number(amount));
    return OK;
  };
}
