import { rename } from "node:fs/promises";
import { join } from "node:path";
import { FIELD_NAMES, FIELDS, quote } from "../fields.ts";
import type { Connection } from "./database.ts";

/** What says nothing of the file that is read. */
const NO_DAMAGE = /Out of Memory|Too many open files|Permission denied|Interrupted/i;

/** No line, with all columns of one. */
export const NO_LINES = `(SELECT ${[
  "NULL::BIGINT AS seq",
  ...FIELD_NAMES.map((name) => `NULL::${FIELDS[name]} AS ${name}`),
].join(", ")} WHERE false)`;

export interface DamagedFile {
  /** Where it was, relative to the folder of the store. */
  path: string;
  /** How many lines are lost with it. */
  lines: number;
}

/**
 * The files that hold the lines. One that can't be read, for a disk's fault or somebody's hand, is set aside:
 * renamed to `*.damaged` for people to look at, and listed no more, so that it costs its own lines and not
 * those of its hour.
 */
export class LineFiles {
  private readonly folder: string;
  private readonly onDamaged: (file: DamagedFile) => void;

  /** @param folder of the store */
  constructor(folder: string, onDamaged: (file: DamagedFile) => void = () => {}) {
    this.folder = folder;
    this.onDamaged = onDamaged;
  }

  /**
   * Runs `work` on a relation of SQL over the listed files that `where` chooses, again when one of them had
   * to be set aside.
   * @returns undefined when there is no such file
   */
  async read<T>(
    connection: Connection,
    where: string,
    work: (relation: string) => Promise<T>,
  ): Promise<T | undefined> {
    // Each time around one file fewer is listed.
    for (;;) {
      const files = await connection.rows<{ path: string }>(
        `SELECT path FROM files WHERE ${where} ORDER BY first_seq`,
      );
      if (files.length === 0) return undefined;
      const paths = files.map(({ path }) => path);
      try {
        return await work(this.relation(paths));
      } catch (error) {
        if (!(await this.setAside(connection, paths, error))) throw error;
      }
    }
  }

  /**
   * Lines of these files, as a relation of SQL. Files from before a field was there have it empty.
   */
  relation(paths: string[]): string {
    const files = paths.map((path) => quote(join(this.folder, path))).join(", ");
    return `(FROM ${NO_LINES} UNION ALL BY NAME FROM read_parquet([${files}], union_by_name = true))`;
  }

  /**
   * After `error`: sets aside what of the files is damaged.
   * @returns whether anything was, so that it is worth trying again
   */
  async setAside(connection: Connection, paths: string[], error: unknown): Promise<boolean> {
    if (NO_DAMAGE.test(String(error))) return false;
    const named = paths.filter((path) => String(error).includes(path));
    const others = paths.filter((path) => !named.includes(path));
    for (const some of [named, others]) {
      let found = false;
      for (const path of some) {
        if (!(await this.isDamaged(connection, path))) continue;
        await this.remove(connection, path);
        found = true;
      }
      if (found) return true;
    }
    return false;
  }

  /** Whether not all of it can be read. */
  private async isDamaged(connection: Connection, path: string): Promise<boolean> {
    try {
      await connection.run(`SELECT bit_xor(hash(lines)) FROM ${this.relation([path])} AS lines`);
      return false;
    } catch (error) {
      return !NO_DAMAGE.test(String(error));
    }
  }

  private async remove(connection: Connection, path: string): Promise<void> {
    const file = join(this.folder, path);
    await rename(file, `${file}.damaged`).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
    try {
      const [removed] = await connection.rows<{ lines: number }>(
        "DELETE FROM files WHERE path = $path RETURNING row_count::DOUBLE AS lines",
        { path },
      );
      if (removed !== undefined) this.onDamaged({ path, lines: removed.lines });
    } catch (error) {
      // Somebody else found it, too.
      if (!String(error).includes("Conflict")) throw error;
    }
  }
}
