import type { Budget } from "../../api/budget.ts";
import { Ledger, type Warning } from "./ledger.ts";
import { EMPTY } from "./state.ts";
import { BudgetConflict, type BudgetStore } from "./store.ts";

/** Another controller, or a command, may store in between, so often in a row. */
const MOST_CONFLICTS = 5;

interface Work {
  run: (ledger: Ledger) => unknown;
  resolve: (result: never) => void;
  reject: (error: unknown) => void;
}

interface BooksOptions {
  tenant: string;
  store: BudgetStore;
  /** Of a gateway process: does it report no more? */
  isSilent?: (holder: string) => boolean;
  /** After it is stored. */
  onWarning?: (warning: Warning) => void;
}

/**
 * The ledger of a tenant with its store: what is done to it is stored before anybody is told. What comes
 * while a commit is under way waits for the next one, all together.
 */
export class Books {
  private readonly options: BooksOptions;
  private budgets: Budget[];
  private loaded: { ledger: Ledger; revision: string | undefined } | undefined;
  private queue: Work[] = [];
  private isRunning = false;

  constructor(options: BooksOptions, budgets: Budget[]) {
    this.options = options;
    this.budgets = budgets;
  }

  /** Takes other budgets, from the next work on. */
  setBudgets(budgets: Budget[]): void {
    this.budgets = budgets;
    this.forget();
  }

  /** What is in memory may be another's past: read it anew. */
  forget(): void {
    this.loaded = undefined;
  }

  /** The state that was stored or read last, for metrics. */
  get ledger(): Ledger | undefined {
    return this.loaded?.ledger;
  }

  /**
   * Does something to the ledger, and resolves with its result when that is stored.
   * @param run may be called again, on a ledger read anew
   * @throws Error what `run` throws, or why it can't be stored
   */
  do<T>(run: (ledger: Ledger) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.queue.push({ run, resolve: resolve as Work["resolve"], reject });
      if (!this.isRunning) void this.drain();
    });
  }

  /** Does something to the ledger as it is stored, and stores nothing. @throws Error what `run` throws */
  async peek<T>(run: (ledger: Ledger) => T): Promise<T> {
    const { ledger } = await this.load();
    this.forget();
    return run(ledger);
  }

  private async drain(): Promise<void> {
    this.isRunning = true;
    while (this.queue.length > 0) {
      const batch = this.queue.splice(0);
      try {
        await this.store(batch);
      } catch (error) {
        this.forget();
        for (const { reject } of batch) reject(error);
      }
    }
    this.isRunning = false;
  }

  private async store(batch: Work[]): Promise<void> {
    for (let conflicts = 0; ; conflicts++) {
      const loaded = await this.load();
      const done = batch.map((work) => outcome(work, loaded.ledger));
      try {
        await this.commit(loaded);
      } catch (error) {
        this.forget();
        if (!(error instanceof BudgetConflict) || conflicts === MOST_CONFLICTS) throw error;
        continue;
      }
      for (const tell of done) tell();
      return;
    }
  }

  private async load() {
    const { store, tenant, isSilent } = this.options;
    if (this.loaded !== undefined) return this.loaded;
    const stored = await store.load(tenant);
    const ledger = new Ledger(stored?.state ?? structuredClone(EMPTY), this.budgets, isSilent);
    this.loaded = { ledger, revision: stored?.revision };
    return this.loaded;
  }

  private async commit(loaded: { ledger: Ledger; revision: string | undefined }): Promise<void> {
    const { ledger } = loaded;
    const { store, tenant, onWarning } = this.options;
    if (!ledger.isChanged) return;
    loaded.revision = await store.commit(tenant, ledger.state, loaded.revision);
    ledger.isChanged = false;
    for (const warning of ledger.warnings.splice(0)) onWarning?.(warning);
  }
}

/** Does one piece of work. @returns what tells of it once it is stored */
function outcome({ run, resolve, reject }: Work, ledger: Ledger): () => void {
  try {
    const result = run(ledger);
    return () => resolve(result as never);
  } catch (error) {
    return () => reject(error);
  }
}
