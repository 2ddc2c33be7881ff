import { GENAI_METRICS } from "../../../lib/access-log/genai.ts";
import { DIMENSIONS, type Dimension } from "../fields.ts";
import { largestBucket } from "../sketch.ts";
import type { Connection } from "./database.ts";
import { MODEL_SUMS, type ModelSum, SKETCHED, type Sketched } from "./model-calls.ts";

type Series = Record<Dimension, string> & { operation: string };

/** Calls to language models of one series and currency. */
export type ModelDelta = Series & Record<ModelSum, number> & { currency: string };

/**
 * Calls of one series of which a field is as large as one of the bounds of its metric, or larger than all.
 */
export type ModelSketchDelta = Series & { kind: Sketched; bound: number; calls: number };

/** The metric of a sketch, and how many of the field's units are one of the metric's. */
export const METRIC_OF = {
  time_to_first_token_us: { metric: GENAI_METRICS.time_to_first_token_us, units: 1_000_000 },
  time_per_output_token_us: { metric: GENAI_METRICS.time_per_output_token_us, units: 1_000_000 },
  input_tokens: { metric: GENAI_METRICS.tokens, units: 1 },
  output_tokens: { metric: GENAI_METRICS.tokens, units: 1 },
  duration: { metric: GENAI_METRICS.duration, units: 1_000 },
} as const satisfies Record<Sketched, unknown>;

const SERIES = [...DIMENSIONS, "operation"].join(", ");
const BOUND = `CASE kind ${SKETCHED.map((kind) => `WHEN '${kind}' THEN ${boundOf(kind)}`).join(" ")} END`;

function boundOf(kind: Sketched): string {
  const { metric, units } = METRIC_OF[kind];
  const { bounds } = metric;
  const cases = bounds.map((bound, i) => `WHEN bucket <= ${largestBucket(bound * units)} THEN ${i}`);
  return `CASE ${cases.join(" ")} ELSE ${bounds.length} END`;
}

/** The calls to language models of batches since they were last taken. */
export class UnseenModelCalls {
  private readonly connection: Connection;
  private isEmpty = true;

  /** @param connection has the temporary tables of `sumModelCalls` */
  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** Adds the batch that was just committed, which has some. */
  async add(): Promise<void> {
    const make = (name: string) =>
      this.isEmpty ? `CREATE OR REPLACE TEMP TABLE ${name} AS` : `INSERT INTO ${name}`;
    await this.connection.run(
      `${make("unseen_models")} SELECT ${SERIES}, currency, ${MODEL_SUMS.join(", ")} FROM batch_model_calls_recent`,
    );
    await this.connection.run(
      `${make("unseen_sketches")} SELECT ${SERIES}, kind, ${BOUND} AS bound, sum(calls)::BIGINT AS calls FROM batch_model_sketch_recent GROUP BY ALL`,
    );
    this.isEmpty = false;
  }

  /** Not while a batch is committed. */
  async take(): Promise<{ calls: ModelDelta[]; sketches: ModelSketchDelta[] }> {
    if (this.isEmpty) return { calls: [], sketches: [] };
    const sums = MODEL_SUMS.map((name) => `sum(${name})::DOUBLE AS ${name}`).join(", ");
    const calls = await this.connection.rows<ModelDelta>(
      `SELECT ${SERIES}, currency, ${sums} FROM unseen_models GROUP BY ALL`,
    );
    const sketches = await this.connection.rows<ModelSketchDelta>(
      `SELECT ${SERIES}, kind, bound, sum(calls)::DOUBLE AS calls FROM unseen_sketches GROUP BY ALL`,
    );
    this.isEmpty = true;
    return { calls, sketches };
  }
}
