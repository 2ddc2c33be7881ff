import { bodyCalls } from "./calls/bodies.ts";
import { calloutCalls } from "./calls/callouts.ts";
import { headerCalls } from "./calls/headers.ts";
import { incrementMetric, metricCalls } from "./calls/metrics.ts";
import { propertyCalls } from "./calls/properties.ts";
import { sharedCalls } from "./calls/shared.ts";
import { streamCalls } from "./calls/streams.ts";
import { wasiCalls } from "./calls/wasi.ts";
import type { HostCall, VmState } from "./vm-state.ts";

/** What the host gives to a module. Each call is written down by its name without `proxy_`. */
export function hostImports(vm: VmState): WebAssembly.Imports {
  const calls = [streamCalls, bodyCalls, headerCalls, propertyCalls, sharedCalls, calloutCalls, metricCalls];
  const recorded = calls
    .flatMap((callsOf) => Object.entries(callsOf(vm)))
    .map(([name, call]): [string, HostCall] => [
      name,
      (...values) => {
        vm.calls.push(name.replace("proxy_", ""));
        return call(...values);
      },
    ]);
  return {
    env: { ...Object.fromEntries(recorded), proxy_increment_metric: incrementMetric(vm) },
    wasi_snapshot_preview1: wasiCalls(vm),
  };
}
