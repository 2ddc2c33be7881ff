import { copyBytes, toText } from "../sdk/bytes/bytes";
import { NameTable } from "../sdk/bytes/name-table";
import { LogLevel, log } from "../sdk/host/log";
import { sharedVersion } from "../sdk/host/shared-data";
import { Concurrency } from "./concurrency";
import { HAS_MAX_IN_FLIGHT, HAS_RATE, KINDS, LimitRecord, TASK, TENANT } from "./controller/limit-records";
import { LimitsStore } from "./controller/limits-store";
import { LimitTables } from "./limit-tables";
import { NamedLimit } from "./named-limit";
import { TASK_LIMITED, TENANT_LIMITED } from "./replies";
import { VmRegistry } from "./vm-registry";

/** Names that a VM remembers; a controller that keeps making new ones up gets no further. */
const MOST_NAMES = 100_000;

const record: LimitRecord = new LimitRecord();

/**
 * Applies what the controller said last, if this VM has not yet.
 * @param applied version of the stored limits that it has applied; 0 at first
 * @returns the version that it has applied now
 */
export function applyLimits(store: LimitsStore, applied: u32, tables: LimitTables): u32 {
  if (store.load() == 0) return applied;
  const version = sharedVersion();
  if (version == applied) return applied;
  for (let at = store.records; at < store.end; ) {
    at = record.read(at);
    const limit = limitOf(record, tables.of(record.kind));
    if (limit == null) continue;
    if (record.has(HAS_RATE)) limit.control(record.perSecond, record.burst);
    else limit.release();
    limit.round = version;
    limit.controlled = true;
    capInFlight(limit, record, tables.registry);
  }
  for (let kind = 0; kind < KINDS; kind++) releaseOthers(tables.of(kind), version);
  return version;
}

function limitOf(record: LimitRecord, table: NameTable<NamedLimit>): NamedLimit | null {
  const known = table.find(record.name, record.nameLen);
  // What a token is to a task stands in the configuration alone.
  if (known != null || record.kind > TENANT) return known;
  if (table.count >= MOST_NAMES) {
    log(LogLevel.Error, "the controller has named too many tasks or tenants: new ones have no limit");
    return null;
  }
  const name = copyBytes(record.name, record.nameLen);
  const limit =
    record.kind == TASK
      ? new NamedLimit("taskid", name, TASK_LIMITED)
      : new NamedLimit("tenant", name, TENANT_LIMITED);
  table.add(limit.name, limit);
  return limit;
}

function capInFlight(limit: NamedLimit, record: LimitRecord, registry: VmRegistry): void {
  const capped = record.kind == TASK && record.has(HAS_MAX_IN_FLIGHT);
  if (capped && limit.concurrency == null) {
    limit.concurrency = new Concurrency(toText(limit.name.ptr, limit.name.len), registry);
  }
  const concurrency = limit.concurrency;
  if (concurrency != null) concurrency.control(capped ? <i32>record.maxInFlight : -1);
}

function releaseOthers(table: NameTable<NamedLimit>, version: u32): void {
  for (let i = 0; i < table.count; i++) {
    const limit = table.values[i];
    if (!limit.controlled || limit.round == version) continue;
    limit.release();
    limit.controlled = false;
    const concurrency = limit.concurrency;
    if (concurrency != null) concurrency.control(-1);
  }
}
