/**
 * What a callback may cost: `modelgate build` puts a call of `modelgate_refill` at the start of each callback
 * of a developer's module, and calls of the other two into loops and recursive functions of the developer's
 * (tools/lib/wasm/instruction-budget.ts). A module that is built without that spends nothing.
 */
import { monotonicNanos } from "./clock";
import { LogLevel, log } from "./log";

const MAX_SECONDS: u64 = 10;

let left: i64 = 0;
/** Not while the module is set up, nor while it says why it traps. */
let limited: bool = false;
/** When a loop of the callback first checked; 0 before that. */
let checkedFirst: u64 = 0;

export function modelgate_refill(instructions: i64): void {
  limited = true;
  left = instructions;
  checkedFirst = 0;
}

/** Traps, and says so, once the budget of the callback is spent. The host restarts the VM. */
export function modelgate_spend(instructions: u32): void {
  left -= <i64>instructions;
  if (left < 0) trap("more instructions than it may");
}

/** As `modelgate_spend`, of a loop: what it calls may take long and spend nothing. */
export function modelgate_check(instructions: u32): void {
  modelgate_spend(instructions);
  const now = monotonicNanos();
  if (checkedFirst == 0) checkedFirst = now;
  if (now - checkedFirst > MAX_SECONDS * 1_000_000_000) trap(`${MAX_SECONDS} s`);
}

function trap(time: string): void {
  if (!limited) return;
  limited = false;
  log(LogLevel.Critical, `a callback ran for ${time}: an endless loop?`);
  unreachable();
}
