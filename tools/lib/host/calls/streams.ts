import { parsePairs } from "../header-pairs.ts";
import { BAD_ARGUMENT, OK } from "../status.ts";
import { CONTINUE } from "../stream.ts";
import type { HostCall, VmState } from "../vm-state.ts";

/** Log lines, ticks, whose turn it is, and the ends of streams. */
export function streamCalls(vm: VmState): Record<string, HostCall> {
  return {
    proxy_log(level: number, ptr: number, size: number) {
      vm.logs.push(`${level} ${vm.text(ptr, size)}`);
      return OK;
    },
    proxy_set_tick_period_milliseconds(periodMs: number) {
      vm.tickPeriodMs = periodMs;
      return OK;
    },
    proxy_set_effective_context(id: number) {
      const found = vm.streams.get(id);
      if (!found) return BAD_ARGUMENT;
      vm.stream = found;
      return OK;
    },
    proxy_continue_stream() {
      vm.current.action = CONTINUE;
      return OK;
    },
    proxy_close_stream() {
      vm.current.isReset = true;
      return OK;
    },
    proxy_send_local_response(
      status: number,
      details: number,
      detailsSize: number,
      body: number,
      bodySize: number,
      pairs: number,
      pairsSize: number,
      grpcStatus: number,
    ) {
      vm.current.reply = {
        status,
        details: vm.text(details, detailsSize),
        body: vm.text(body, bodySize),
        headers: parsePairs(vm.bytes(pairs, pairsSize), vm.encoding),
        grpcStatus,
      };
      return OK;
    },
  };
}
