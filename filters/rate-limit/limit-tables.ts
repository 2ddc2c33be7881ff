import { NameTable } from "../sdk/bytes/name-table";
import { KINDS, TASK, TASK_TOKENS, TENANT, TENANT_TOKENS } from "./controller/limit-records";
import { NamedLimit } from "./named-limit";
import { VmRegistry } from "./vm-registry";

/** The limits by name that the controller splits over gateways, and the VMs of a process share. */
export class LimitTables {
  /** Renewed by the stage rate-limit alone. */
  readonly registry: VmRegistry = new VmRegistry();
  private readonly tables: StaticArray<NameTable<NamedLimit>> = new StaticArray<NameTable<NamedLimit>>(KINDS);

  constructor() {
    for (let kind = 0; kind < KINDS; kind++) this.tables[kind] = new NameTable<NamedLimit>();
  }

  of(kind: i32): NameTable<NamedLimit> {
    return this.tables[kind];
  }

  get tasks(): NameTable<NamedLimit> {
    return this.tables[TASK];
  }

  get tenants(): NameTable<NamedLimit> {
    return this.tables[TENANT];
  }

  get taskTokens(): NameTable<NamedLimit> {
    return this.tables[TASK_TOKENS];
  }

  get tenantTokens(): NameTable<NamedLimit> {
    return this.tables[TENANT_TOKENS];
  }
}
