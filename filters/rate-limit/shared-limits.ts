import { applyLimits } from "./apply-limits";
import { KINDS } from "./controller/limit-records";
import { LimitsStore } from "./controller/limits-store";
import { LimitTables } from "./limit-tables";
import { shareAll } from "./named-limit";
import { Priority } from "./priority";

/**
 * What the stages rate-limit and token-limit share. It keeps the limits by name in step with the controller,
 * and with the other VMs of the process.
 */
export class SharedLimits {
  readonly tables: LimitTables = new LimitTables();
  priority: Priority = new Priority();
  /** Do responses say what is left, and not only refusals? */
  tellsQuotas: bool = false;
  /** null: there is no controller. */
  store: LimitsStore | null = null;
  /** Version of the controller's limits that this VM has applied. */
  private applied: u32 = 0;

  /** Applies news from the controller, and gives back what this VM holds and does not use. */
  share(): void {
    const tables = this.tables;
    const store = this.store;
    if (store != null) this.applied = applyLimits(store, this.applied, tables);
    for (let kind = 0; kind < KINDS; kind++) shareAll(tables.of(kind), tables.registry.live);
  }

  /** Limits came in by configuration: what the controller said last holds for them, too. */
  grew(): void {
    this.applied = 0;
    this.share();
  }
}
