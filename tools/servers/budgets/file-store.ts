import { randomUUID } from "node:crypto";
import { link, mkdir, open, readdir, readFile, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { BudgetState } from "./state.ts";
import { BudgetConflict, type BudgetStore, parseState, type Stored } from "./store.ts";

/**
 * Budgets in a folder, one file a tenant and revision: `search@17.json`. A commit writes and syncs a file
 * beside, and links it to the name of the next revision, which only one can do; then the folder is synced,
 * and the revision before is removed. For a folder of one machine.
 */
export class FileBudgetStore implements BudgetStore {
  readonly name: string;
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    this.name = `the folder ${folder}`;
  }

  async load(tenant: string): Promise<Stored | undefined> {
    for (;;) {
      const revision = (await this.revisions(tenant)).at(-1);
      if (revision === undefined) return undefined;
      const path = this.path(tenant, revision);
      const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
        // Another has stored a later one meanwhile.
        if (error.code !== "ENOENT") throw error;
      });
      if (text !== undefined) return { state: parseState(text, path), revision: String(revision) };
    }
  }

  async commit(tenant: string, state: BudgetState, revision: string | undefined): Promise<string> {
    await mkdir(this.folder, { recursive: true });
    const next = Number(revision ?? 0) + 1;
    const written = join(this.folder, `${tenant}@${next}.${randomUUID()}.new`);
    const file = await open(written, "w", 0o600);
    try {
      await file.writeFile(`${JSON.stringify(state)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    try {
      await link(written, this.path(tenant, next));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") throw new BudgetConflict(tenant);
      throw error;
    } finally {
      await unlink(written);
    }
    await this.sync();
    const revisions = await this.revisions(tenant);
    // The name was free because others have gone further and removed it.
    if (revisions.some((each) => each > next)) {
      await unlink(this.path(tenant, next));
      throw new BudgetConflict(tenant);
    }
    for (const old of revisions) if (old < next) await unlink(this.path(tenant, old)).catch(() => undefined);
    return String(next);
  }

  async close(): Promise<void> {}

  private path(tenant: string, revision: number): string {
    return join(this.folder, `${tenant}@${revision}.json`);
  }

  /** Those that are there, the latest last. */
  private async revisions(tenant: string): Promise<number[]> {
    const names = await readdir(this.folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    return names
      .flatMap((name) => {
        const [, of, revision] = /^(.+)@(\d+)\.json$/.exec(name) ?? [];
        return of === tenant ? [Number(revision)] : [];
      })
      .sort((a, b) => a - b);
  }

  private async sync(): Promise<void> {
    const folder = await open(this.folder, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}
