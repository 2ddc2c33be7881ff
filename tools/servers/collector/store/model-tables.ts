import { DIMENSIONS } from "../fields.ts";
import type { Connection } from "./database.ts";
import {
  MODEL_SUMS,
  modelCallsOf,
  modelSketchesOf,
  OF_MODEL,
  PAYERS,
  spendOf,
  spendSketchesOf,
} from "./model-calls.ts";

/** Tables that a batch fills, with what they get of it. */
const FILLED = {
  model_calls_recent: modelCallsOf("batch"),
  model_sketch_recent: modelSketchesOf("batch"),
  spend: spendOf("batch"),
  spend_sketch: spendSketchesOf("batch"),
};

/** Sums the calls of the table `batch` up in temporary tables. @returns whether there is any */
export async function sumModelCalls(connection: Connection): Promise<boolean> {
  const { any } = await connection.row<{ any: boolean }>(
    `SELECT count(*) > 0 AS any FROM batch WHERE ${OF_MODEL}`,
  );
  if (any)
    for (const [name, query] of Object.entries(FILLED))
      await connection.run(`CREATE OR REPLACE TEMP TABLE batch_${name} AS ${query}`);
  return any;
}

/** Within the transaction of a commit: adds what `sumModelCalls` made. */
export async function addModelCalls(connection: Connection): Promise<void> {
  for (const name of Object.keys(FILLED))
    await connection.run(`INSERT INTO ${name} SELECT * FROM batch_${name}`);
}

const MINUTE = "time_bucket(INTERVAL '1 minute', time)";
const ROLLED = {
  model_calls: `operation, currency, ${MODEL_SUMS.map((name) => `sum(${name})::BIGINT`).join(", ")}`,
  model_sketch: "operation, kind, bucket, sum(calls)::BIGINT",
};
const HOURLY = {
  spend: {
    keys: [...PAYERS, "currency"],
    sums: MODEL_SUMS.map((name) => `sum(${name})::BIGINT`).join(", "),
  },
  spend_sketch: { keys: [...PAYERS, "operation", "kind", "bucket"], sums: "sum(calls)::BIGINT" },
};

/**
 * Brings ten seconds into whole minutes, and rows of an hour, of which each commit adds some, together.
 * @param before milliseconds since the epoch, a whole minute
 */
export async function rollUpModelCalls(connection: Connection, before: number): Promise<void> {
  const old = `time < epoch_ms(${before})::TIMESTAMP`;
  await connection.transaction(async () => {
    for (const [name, columns] of Object.entries(ROLLED)) {
      await connection.run(
        `INSERT INTO ${name} SELECT ${MINUTE} AS minute, ${DIMENSIONS.join(", ")}, ${columns} FROM ${name}_recent WHERE ${old} GROUP BY ALL`,
      );
      await connection.run(`DELETE FROM ${name}_recent WHERE ${old}`);
    }
    for (const [name, { keys, sums }] of Object.entries(HOURLY)) {
      const names = keys.join(", ");
      await connection.run(
        `CREATE OR REPLACE TEMP TABLE hours AS SELECT time FROM ${name} GROUP BY time HAVING count(*) > 2 * count(DISTINCT (${names}))`,
      );
      await connection.run(
        `CREATE OR REPLACE TEMP TABLE together AS SELECT time, ${names}, ${sums} FROM ${name} WHERE time IN (FROM hours) GROUP BY ALL`,
      );
      await connection.run(`DELETE FROM ${name} WHERE time IN (FROM hours)`);
      await connection.run(`INSERT INTO ${name} SELECT * FROM together`);
    }
  });
}
