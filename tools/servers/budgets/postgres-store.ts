import { createRequire } from "node:module";
import type { Account, BudgetState } from "./state.ts";
import { BudgetConflict, type BudgetStore, parseState, type Stored } from "./store.ts";

/** What is used of node-postgres, which ships no types. */
interface Queries {
  query(text: string, values?: unknown[]): Promise<Result>;
}

interface Result {
  /** As the server writes it. */
  rows: Record<string, string | null>[];
  rowCount: number | null;
}

interface Client extends Queries {
  /** @param isBroken the connection is not to be used again */
  release(isBroken: boolean): void;
  on(event: "error", listener: () => void): void;
}

interface Pool extends Queries {
  connect(): Promise<Client>;
  end(): Promise<void>;
  on(event: "error", listener: () => void): void;
  on(event: "connect", listener: (client: Client) => void): void;
}

const pg: { Pool: new (config: object) => Pool } = createRequire(import.meta.url)("pg");

/** A store that is silent for so long is down: gateways go on with the leases they have. */
const TIMEOUT_MS = 5_000;
const MOST_CONNECTIONS = 8;

/** `bigint` of PostgreSQL comes as text. */
const TABLES = `
create table if not exists modelgate_budgets (
  tenant text primary key,
  revision bigint not null,
  next_lease bigint not null
);
create table if not exists modelgate_budget_accounts (
  tenant text not null references modelgate_budgets on delete cascade,
  account text not null,
  state jsonb not null,
  primary key (tenant, account)
);`;
/** Of the lock under which one process makes the tables. */
const TABLES_LOCK = 0x6d67_6275;

/**
 * Budgets in PostgreSQL: a row with the revision of each tenant, and one of each account. A commit is one
 * transaction that changes the revision it came from and writes the accounts that changed. It sets
 * `synchronous_commit`, so that it is on disk when it returns, also where the server's default is another.
 */
export class PostgresBudgetStore implements BudgetStore {
  readonly name: string;
  private readonly pool: Pool;
  private tables: Promise<void> | undefined;
  /** Of each tenant: the revision, and the text of each account then. */
  private readonly written = new Map<string, { revision: string; accounts: Map<string, string> }>();

  /** @param url as libpq takes it; what it lacks comes from PGPASSWORD, PGPASSFILE and so on */
  constructor(url: string) {
    const { host, pathname } = new URL(url);
    this.name = `PostgreSQL at ${host}${pathname}`;
    this.pool = new pg.Pool({
      ...{ connectionString: url, max: MOST_CONNECTIONS, application_name: "modelgate" },
      ...{ connectionTimeoutMillis: TIMEOUT_MS, query_timeout: TIMEOUT_MS },
    });
    // Of a connection that breaks, idle or in use: the query says so as well, and one that nobody hears of
    // ends the process.
    this.pool.on("error", () => undefined);
    this.pool.on("connect", (client) => client.on("error", () => undefined));
  }

  async load(tenant: string): Promise<Stored | undefined> {
    return this.transaction("repeatable read", async (client) => {
      const head = await client.query(
        "select revision, next_lease from modelgate_budgets where tenant = $1",
        [tenant],
      );
      const [{ revision, next_lease: nextLease } = {}] = head.rows;
      if (revision == null) return undefined;
      const { rows } = await client.query(
        "select account, state::text as state from modelgate_budget_accounts where tenant = $1",
        [tenant],
      );
      const accounts = rows.map(({ account, state }) => `${JSON.stringify(account)}:${state}`);
      const text = `{"version":1,"nextLease":${nextLease},"accounts":{${accounts.join()}}}`;
      const state = parseState(text, `${this.name}, Tenant ${tenant}`);
      this.written.set(tenant, { revision, accounts: textsOf(state) });
      return { state, revision };
    });
  }

  async commit(tenant: string, state: BudgetState, revision: string | undefined): Promise<string> {
    const before = this.written.get(tenant);
    const known = before?.revision === revision ? before?.accounts : undefined;
    const accounts = textsOf(state);
    const changed = [...accounts].filter(([name, text]) => known?.get(name) !== text);
    const gone = [...(known?.keys() ?? [])].filter((name) => !accounts.has(name));
    const next = String(BigInt(revision ?? 0) + 1n);
    await this.transaction("read committed", async (client) => {
      const head =
        revision === undefined
          ? await client.query("insert into modelgate_budgets values ($1, $2, $3) on conflict do nothing", [
              ...[tenant, next, state.nextLease],
            ])
          : await client.query(
              "update modelgate_budgets set revision = $2, next_lease = $3 where tenant = $1 and revision = $4",
              [tenant, next, state.nextLease, revision],
            );
      if (head.rowCount !== 1) throw new BudgetConflict(tenant);
      await client.query(
        `insert into modelgate_budget_accounts
         select $1, account, state::jsonb from unnest($2::text[], $3::text[]) as changed (account, state)
         on conflict (tenant, account) do update set state = excluded.state`,
        [tenant, changed.map(([name]) => name), changed.map(([, text]) => text)],
      );
      if (gone.length > 0)
        await client.query("delete from modelgate_budget_accounts where tenant = $1 and account = any($2)", [
          ...[tenant, gone],
        ]);
    });
    this.written.set(tenant, { revision: next, accounts });
    return next;
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  private async transaction<T>(isolation: string, work: (client: Client) => Promise<T>): Promise<T> {
    await this.ready();
    const client = await this.pool.connect();
    let isBroken = true;
    try {
      await client.query(`begin isolation level ${isolation}`);
      await client.query("set local synchronous_commit = on");
      const result = await work(client);
      await client.query("commit");
      isBroken = false;
      return result;
    } catch (error) {
      // Where this fails, too, the server ends the transaction with the connection.
      await client.query("rollback").then(
        () => {
          isBroken = false;
        },
        () => undefined,
      );
      throw error;
    } finally {
      client.release(isBroken);
    }
  }

  /** Makes the tables, once; they may be there, with an account that may make none. */
  private async ready(): Promise<void> {
    this.tables ??= this.makeTables();
    try {
      await this.tables;
    } catch (error) {
      this.tables = undefined;
      throw error;
    }
  }

  private async makeTables(): Promise<void> {
    const { rows } = await this.pool.query("select to_regclass('modelgate_budget_accounts') as found");
    if (rows[0]?.found == null)
      // Statements of one query are one transaction.
      await this.pool.query(`select pg_advisory_xact_lock(${TABLES_LOCK}); ${TABLES}`);
  }
}

function textsOf({ accounts }: BudgetState): Map<string, string> {
  return new Map(
    Object.entries(accounts).map(([name, account]: [string, Account]) => [name, JSON.stringify(account)]),
  );
}
