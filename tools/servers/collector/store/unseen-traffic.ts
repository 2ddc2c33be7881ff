import { DIMENSIONS, type Dimension } from "../fields.ts";
import { largestBucket } from "../sketch.ts";
import { SUMS, type Sum } from "./aggregate.ts";
import type { Connection } from "./database.ts";
import { UnseenModelCalls } from "./unseen-model-calls.ts";

/** Upper bounds of the histogram of latencies that Prometheus sees, in seconds. */
export const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

type Series = Record<Dimension, string>;

/** Requests of one series, response code and reason. */
export type TrafficDelta = Series & Record<Sum, number> & { code: number; reason: string };

/** Requests of one series that took as long as one of the bounds, or longer than all of them. */
export type LatencyDelta = Series & { bound: number; requests: number };

interface Unseen {
  traffic: TrafficDelta[];
  latency: LatencyDelta[];
  models: Awaited<ReturnType<UnseenModelCalls["take"]>>;
}

const SERIES = DIMENSIONS.join(", ");
const BOUND = `CASE ${BOUNDS.map((bound, i) => `WHEN bucket <= ${largestBucket(bound * 1_000)} THEN ${i}`).join(" ")} ELSE ${BOUNDS.length} END`;

/**
 * The traffic of batches since it was last taken. It is summed up in DuckDB: a batch of a thousand tasks has
 * tens of thousands of buckets, too many to be objects of this process twice a second.
 */
export class UnseenTraffic {
  private readonly connection: Connection;
  private readonly models: UnseenModelCalls;
  private isEmpty = true;

  /** @param connection has the tables batch_traffic and batch_latency of a commit */
  constructor(connection: Connection) {
    this.connection = connection;
    this.models = new UnseenModelCalls(connection);
  }

  /** Adds the batch that was just committed. @param hasModelCalls there are calls to language models in it */
  async add(hasModelCalls: boolean): Promise<void> {
    const { connection } = this;
    if (hasModelCalls) await this.models.add();
    const make = (name: string) =>
      this.isEmpty ? `CREATE OR REPLACE TEMP TABLE ${name} AS` : `INSERT INTO ${name}`;
    await connection.run(
      `${make("unseen_traffic")} SELECT ${SERIES}, code, reason, ${SUMS.join(", ")} FROM batch_traffic`,
    );
    await connection.run(
      `${make("unseen_latency")} SELECT ${SERIES}, ${BOUND} AS bound, sum(requests) AS requests FROM batch_latency GROUP BY ALL`,
    );
    this.isEmpty = false;
  }

  /** Not while a batch is committed. */
  async take(): Promise<Unseen> {
    const models = await this.models.take();
    if (this.isEmpty) return { traffic: [], latency: [], models };
    const { connection } = this;
    const sums = SUMS.map((name) => `sum(${name})::DOUBLE AS ${name}`).join(", ");
    const traffic = await connection.rows<TrafficDelta>(
      `SELECT ${SERIES}, code, reason, ${sums} FROM unseen_traffic GROUP BY ALL`,
    );
    const latency = await connection.rows<LatencyDelta>(
      `SELECT ${SERIES}, bound, sum(requests)::DOUBLE AS requests FROM unseen_latency GROUP BY ALL`,
    );
    this.isEmpty = true;
    return { traffic, latency, models };
  }
}
