import {
  proxy_define_metric,
  proxy_get_metric,
  proxy_increment_metric,
  proxy_record_metric,
} from "@solo-io/proxy-runtime/assembly/imports";
import { bytes } from "../bytes/bytes";
import { OK } from "./abi";
import { RESULT } from "./arena";

const COUNTER: i32 = 0;
const GAUGE: i32 = 1;

/** Defines a metric of the host at start; defining it again returns the same id. */
function define(type: i32, name: string): u32 {
  const text = bytes(name);
  proxy_define_metric(type, text.ptr, text.len, RESULT);
  return load<u32>(RESULT);
}

export class Counter {
  private readonly id: u32;
  constructor(name: string) {
    this.id = define(COUNTER, name);
  }
  add(amount: i64): void {
    proxy_increment_metric(this.id, amount);
  }
}

export class Gauge {
  private readonly id: u32;
  constructor(name: string) {
    this.id = define(GAUGE, name);
  }
  /** Sets it to `value` if it is lower. VMs share a gauge: it then says what the highest of them had. */
  raise(value: u64): void {
    if (proxy_get_metric(this.id, RESULT) == OK && load<u64>(RESULT) >= value) return;
    proxy_record_metric(this.id, value);
  }
}
