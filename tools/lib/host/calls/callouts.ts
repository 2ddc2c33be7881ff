import { parsePairs } from "../header-pairs.ts";
import { BAD_ARGUMENT, NOT_FOUND, OK } from "../status.ts";
import { verifySignature } from "../verify-signature.ts";
import type { HostCall, VmState } from "../vm-state.ts";

/** HTTP requests of the filter, and functions of Envoy that it calls by name. */
export function calloutCalls(vm: VmState): Record<string, HostCall> {
  let lastToken = 0;
  return {
    proxy_http_call(
      cluster: number,
      clusterSize: number,
      pairs: number,
      pairsSize: number,
      body: number,
      bodySize: number,
      _trailers: number,
      _trailersSize: number,
      timeoutMs: number,
      tokenOut: number,
    ) {
      const token = ++lastToken;
      vm.callouts.push({
        token,
        cluster: vm.text(cluster, clusterSize),
        headers: parsePairs(vm.bytes(pairs, pairsSize), vm.encoding),
        body: vm.text(body, bodySize),
        bodyBytes: vm.bytes(body, bodySize),
        timeoutMs,
      });
      vm.setWord(tokenOut, token);
      return OK;
    },
    proxy_call_foreign_function(
      name: number,
      nameSize: number,
      args: number,
      size: number,
      ptrOut: number,
      sizeOut: number,
    ) {
      if (vm.text(name, nameSize) !== "verify_signature") return NOT_FOUND;
      const result = verifySignature(vm.bytes(args, size));
      return result ? vm.give(result, ptrOut, sizeOut) : BAD_ARGUMENT;
    },
  };
}
