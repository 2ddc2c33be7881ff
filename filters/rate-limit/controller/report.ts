import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { appendJsonString } from "../../sdk/bytes/json-text";
import { NameTable } from "../../sdk/bytes/name-table";
import { BudgetExchange } from "../budget/budget-exchange";
import { LimitTables } from "../limit-tables";
import { NamedLimit } from "../named-limit";

const OPEN = bytes('{"apiVersion":"limits.modelgate.dev/v1","gateway":');
const POD = bytes(',"pod":');
const GENERATION = bytes(',"generation":');
const INTERVAL = bytes(',"intervalMilliseconds":');
const TASKS = bytes(',"connections":0,"tasks":{');
const TENANTS = bytes('},"tenants":{');
const TASK_TOKENS = bytes('},"taskTokens":{');
const TENANT_TOKENS = bytes('},"tenantTokens":{');
const END_OF_TABLES = bytes("}");
const CLOSE = bytes("}");
const ADMITTED = bytes(':{"admitted":');
const REFUSED = bytes(',"refused":');
const IN_FLIGHT = bytes(',"inFlight":');
const LATENCY = bytes(',"latencyMicroseconds":');

/** As the controller bounds a number (tools/servers/controller/protocol.ts). */
const MOST: u32 = 1_000_000_000;

/** Writes a report (POST /v1/report) from the totals, and begins them anew; with budgets, what was spent. */
export function writeReport(
  out: ByteBuffer,
  gateway: Bytes,
  pod: Bytes,
  generation: u64,
  intervalMs: u64,
  tables: LimitTables,
  budgets: BudgetExchange | null,
  now: u64,
): void {
  out.clear();
  out.appendBytes(OPEN);
  appendJsonString(out, gateway.ptr, gateway.len, i32.MAX_VALUE);
  out.appendBytes(POD);
  appendJsonString(out, pod.ptr, pod.len, i32.MAX_VALUE);
  out.appendBytes(GENERATION);
  out.appendDecimal(generation);
  out.appendBytes(INTERVAL);
  out.appendDecimal(intervalMs);
  out.appendBytes(TASKS);
  appendTotals(out, tables.tasks, true);
  out.appendBytes(TENANTS);
  appendTotals(out, tables.tenants, false);
  out.appendBytes(TASK_TOKENS);
  appendTotals(out, tables.taskTokens, false);
  out.appendBytes(TENANT_TOKENS);
  appendTotals(out, tables.tenantTokens, false);
  out.appendBytes(END_OF_TABLES);
  if (budgets != null) budgets.append(out, now);
  out.appendBytes(CLOSE);
}

function appendTotals(out: ByteBuffer, limits: NameTable<NamedLimit>, ofTask: bool): void {
  let first = true;
  for (let i = 0; i < limits.count; i++) {
    const limit = limits.values[i];
    const total = limit.total;
    if (!total.any) continue;
    if (!first) out.appendByte(Char.COMMA);
    first = false;
    appendJsonString(out, limit.name.ptr, limit.name.len, i32.MAX_VALUE);
    out.appendBytes(ADMITTED);
    out.appendDecimal(min(total.admitted, MOST));
    out.appendBytes(REFUSED);
    out.appendDecimal(min(total.refused, MOST));
    if (ofTask) {
      out.appendBytes(IN_FLIGHT);
      out.appendDecimal(max(total.inFlight, 0));
      out.appendBytes(LATENCY);
      out.appendDecimal(total.measured == 0 ? 0 : total.latencyMicros / total.measured);
    }
    out.appendByte(Char.CLOSE_BRACE);
    total.clear();
    total.inFlight = 0;
  }
}
