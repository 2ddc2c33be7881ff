import type { ModelTraffic } from "../../servers/collector/query/model-traffic.ts";
import type { TrafficRow } from "../../servers/collector/query/traffic.ts";
import { milliseconds } from "./traffic-text.ts";

const MICROS = 1_000_000;

/** A column of a table of traffic. */
export type TrafficColumn = [heading: string, cell: (row: TrafficRow) => string];

/** "0.0123 EUR", one behind the other where there are some currencies; "-" where nothing has a price. */
function money(costs: Record<string, number>): string {
  const parts = Object.entries(costs).map(([currency, micros]) => `${amount(micros)} ${currency}`);
  return parts.join(" + ") || "-";
}

function amount(micros: number): string {
  const whole = micros / MICROS;
  return whole >= 100 ? whole.toFixed(2) : Number(whole.toPrecision(4)).toString();
}

/**
 * What tables show of language models, where any row has calls to one.
 * @param wide all there is
 */
export function modelColumns(rows: TrafficRow[], wide = false): TrafficColumn[] {
  if (rows.every(({ models }) => models === undefined)) return [];
  const column = (heading: string, value: (models: ModelTraffic) => string): TrafficColumn => [
    heading,
    ({ models }) => (models === undefined ? "-" : value(models)),
  ];
  const more = [
    column("cached", ({ cached_tokens }) => String(cached_tokens)),
    column("reasoning", ({ reasoning_tokens }) => String(reasoning_tokens)),
    column("estimated", ({ estimated }) => String(estimated)),
    column("aborted", ({ aborted }) => String(aborted)),
  ];
  return [
    column("tokens in", ({ input_tokens }) => String(input_tokens)),
    column("tokens out", ({ output_tokens }) => String(output_tokens)),
    ...(wide ? more : []),
    column("first token p50", (models) => milliseconds(models.time_to_first_token?.p50 ?? null)),
    column("first token p99", (models) => milliseconds(models.time_to_first_token?.p99 ?? null)),
    column("per token p50", (models) => milliseconds(models.time_per_output_token?.p50 ?? null)),
    column("cost", ({ costs }) => money(costs)),
  ];
}

/** "120 in, 40 out, first 80ms, 0.01 EUR": a call to a language model in a line of the log. */
export function callText(line: Record<string, unknown>): string {
  if (line.usage === undefined) return "";
  const about = line.usage === "estimated" ? "~" : "";
  const first = line.time_to_first_token_us;
  const parts = [
    `${about}${line.input_tokens ?? 0} in`,
    `${about}${line.output_tokens ?? 0} out`,
    ...(typeof first === "number" ? [`first ${milliseconds(first / 1_000)}`] : []),
    ...(typeof line.cost_micros === "number"
      ? [money({ [String(line.currency ?? "")]: line.cost_micros })]
      : []),
    ...(line.finish_reason === undefined ? [] : [String(line.finish_reason)]),
    ...(line.aborted === undefined ? [] : [`aborted by ${line.aborted}`]),
    ...(line.budget_warning === undefined ? [] : [`budget ${line.budget_warning}%`]),
  ];
  return parts.join(", ");
}
