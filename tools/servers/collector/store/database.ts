import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance, type DuckDBValue } from "@duckdb/node-api";
import { SCHEMA } from "./schema.ts";

/** What DuckDB may take of the collector's memory. */
const MEMORY_LIMIT = "112MB";
/**
 * Queries at once, beside commits and maintenance: each takes one of the few threads that also read and write
 * files.
 */
const MAX_QUERIES = 2;

type Values = Record<string, DuckDBValue>;

/** One connection; its statements run one after the other. */
export class Connection {
  private readonly connection: DuckDBConnection;

  constructor(connection: DuckDBConnection) {
    this.connection = connection;
  }

  async run(sql: string, values: Values = {}): Promise<void> {
    await this.connection.run(sql, values);
  }

  /** All rows. Cast BIGINT to DOUBLE where a number is wanted. */
  async rows<Row>(sql: string, values: Values = {}): Promise<Row[]> {
    return (await this.connection.runAndReadAll(sql, values)).getRowObjectsJS() as Row[];
  }

  async row<Row>(sql: string, values: Values = {}): Promise<Row> {
    return (await this.rows<Row>(sql, values))[0] as Row;
  }

  /** Rows as they come, without holding them all. */
  async *stream<Row>(sql: string, values: Values = {}): AsyncGenerator<Row[]> {
    const result = await this.connection.stream(sql, values);
    for await (const rows of result.yieldRowObjectJs()) yield rows as Row[];
  }

  /** Runs `work` between BEGIN and COMMIT; when it throws, nothing of it stays. */
  async transaction<T>(work: () => Promise<T>): Promise<T> {
    await this.run("BEGIN");
    try {
      const result = await work();
      await this.run("COMMIT");
      return result;
    } catch (error) {
      await this.run("ROLLBACK").catch(() => {});
      throw error;
    }
  }

  close(): void {
    this.connection.closeSync();
  }
}

export class Database {
  private readonly instance: DuckDBInstance;
  private readonly idle: Connection[] = [];
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  private constructor(instance: DuckDBInstance) {
    this.instance = instance;
  }

  /** @throws Error when another process has it open */
  static async open(folder: string): Promise<Database> {
    await mkdir(folder, { recursive: true });
    const instance = await DuckDBInstance.create(join(folder, "collector.db"), {
      threads: "1",
      memory_limit: MEMORY_LIMIT,
      autoinstall_known_extensions: "false",
    }).catch((error: Error) => {
      throw new Error(`${folder}: the store does not open: ${error.message}`);
    });
    const database = new Database(instance);
    await database.use((connection) => connection.run(SCHEMA));
    return database;
  }

  async connect(): Promise<Connection> {
    return new Connection(await this.instance.connect());
  }

  /** Runs `work` with a connection that nobody else has meanwhile, when it is its turn. */
  async use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    if (this.running >= MAX_QUERIES) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.running++;
    try {
      const connection = this.idle.pop() ?? (await this.connect());
      try {
        return await work(connection);
      } finally {
        this.idle.push(connection);
      }
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.running--;
      else next();
    }
  }

  close(): void {
    for (const connection of this.idle) connection.close();
    this.instance.closeSync();
  }
}
