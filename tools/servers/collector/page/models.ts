import type { Budget, ModelSnapshot, Snapshot, Spender, Traffic } from "./api.ts";
import type { Line } from "./chart-data.ts";
import { Chart } from "./charts.ts";
import { element, make } from "./dom.ts";
import { count, duration, percent, whole } from "./format.ts";
import type { Link } from "./lines.ts";
import { lengthOf } from "./state.ts";
import { inSteps } from "./timeline.ts";

const MICROS = 1_000_000;
/** Rows of the table of spenders. */
const MOST_SPENDERS = 20;
const WARNED = 80;
const SPENT = 100;

type Charts = Record<"tokens" | "first-token" | "per-token", Chart>;

/** Calls to language models: tokens, their times, and who spends what of which budget. */
export class ModelsView {
  private readonly charts: Charts;

  /** @param on what happens when a part of the time line is chosen, or a step */
  constructor(on: { select: (from: number, to: number) => void; pick: (time: number) => void }) {
    const common = { onCursor: () => {}, onSelect: on.select, onPick: on.pick };
    this.charts = {
      tokens: new Chart({ ...common, card: element("#tokens"), format: count }),
      "first-token": new Chart({ ...common, card: element("#first-token"), format: duration }),
      "per-token": new Chart({ ...common, card: element("#per-token"), format: duration }),
    };
  }

  set(snapshot: Snapshot, link: Link): void {
    const { from, to, step, total, models } = snapshot;
    showTiles(element("#model-tiles"), total, (to - from) / 1000);
    const rows = inSteps(snapshot.series, from, to, step);
    const times = rows.map((_, i) => (from + i * step) / 1000);
    const lines = linesOf(rows, snapshot);
    for (const [name, chart] of Object.entries(this.charts))
      chart.set({
        ...{ from: from / 1000, to: to / 1000, times, events: snapshot.events },
        lines: lines[name as keyof Charts],
      });
    showSpenders(element("#spenders"), models?.spenders ?? [], link);
    showBudgets(element("#budgets"), models);
  }

  /** Draws all anew, as after a change of colours. */
  build(): void {
    for (const chart of Object.values(this.charts)) chart.build();
  }
}

function linesOf(rows: (Traffic | undefined)[], snapshot: Snapshot): Record<keyof Charts, Line[]> {
  const { from, step, now } = snapshot;
  const tokens = (name: "input_tokens" | "output_tokens") =>
    rows.map((row, i) => ((row?.models?.[name] ?? 0) * 1000) / lengthOf(from + i * step, snapshot, now));
  const percentiles = (name: "time_to_first_token" | "time_per_output_token") =>
    (["p50", "p90", "p99"] as const).map((label) => ({
      ...{ label, colour: label },
      values: rows.map((row) => row?.models?.[name]?.[label] ?? null),
    }));
  return {
    tokens: [
      { label: "in", colour: "served", values: tokens("input_tokens") },
      { label: "out", colour: "p99", values: tokens("output_tokens") },
    ],
    "first-token": percentiles("time_to_first_token"),
    "per-token": percentiles("time_per_output_token"),
  };
}

function showTiles(place: HTMLElement, total: Traffic | undefined, seconds: number): void {
  const models = total?.models;
  const tile = (label: string, text: string) =>
    make("div", { class: "tile" }, make("span", { class: "label" }, label), make("strong", {}, text));
  const share = (part: number | undefined) =>
    percent(part === undefined ? null : part / (models?.calls || 1));
  place.replaceChildren(
    tile("Calls", count(models?.calls)),
    tile("Tokens in / s", count(models && models.input_tokens / seconds)),
    tile("Tokens out / s", count(models && models.output_tokens / seconds)),
    tile("First token p50", duration(models?.time_to_first_token?.p50)),
    tile("First token p99", duration(models?.time_to_first_token?.p99)),
    tile("Per token p50", duration(models?.time_per_output_token?.p50)),
    tile("Cost", money(models?.costs ?? {})),
    tile("Broken off", share(models?.aborted)),
    tile("Estimated", share(models?.estimated)),
  );
}

/** Such as 12.3 EUR; a dash where nothing has a price. */
export function money(costs: Record<string, number>): string {
  return (
    Object.entries(costs)
      .map(([currency, micros]) => `${count(micros / MICROS)} ${currency}`)
      .join(" + ") || "–"
  );
}

function showSpenders(place: HTMLElement, spenders: Spender[], link: Link): void {
  const costOf = ({ costs }: Spender) => Object.values(costs).reduce((sum, micros) => sum + micros, 0);
  const tokensOf = ({ input_tokens, output_tokens }: Spender) => input_tokens + output_tokens;
  const sorted = spenders.toSorted((a, b) => costOf(b) - costOf(a) || tokensOf(b) - tokensOf(a));
  const heading = (text: string) => make("th", { scope: "col" }, text);
  const number = (text: string) => make("td", { class: "number" }, text);
  const rows = sorted.slice(0, MOST_SPENDERS).map((each) => {
    const { tenant = "", taskid = "", credential = "" } = each;
    const name = credential || "(none)";
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, make("a", { href: link({ tenant, task: taskid, credential }) }, name)),
      make("td", {}, taskid),
      number(whole(each.calls)),
      number(count(each.input_tokens)),
      number(count(each.output_tokens)),
      number(money(each.costs)),
    );
  });
  const head = ["credential", "model", "calls", "tokens in", "tokens out", "cost"].map(heading);
  const table = make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
  // Whoever has no pointer scrolls it by the keyboard.
  const scrolled = { class: "sheet", role: "region", "aria-label": "Top spenders", tabindex: 0 };
  place.replaceChildren(make("div", scrolled, table), make("p", { class: "note" }, noteOf(spenders.length)));
}

function noteOf(spenders: number): string {
  if (spenders === 0) return "Nobody called a language model in these hours.";
  const shown = spenders > MOST_SPENDERS ? `The first ${MOST_SPENDERS} of ${spenders}. ` : "";
  return `${shown}By whole hours.`;
}

function showBudgets(place: HTMLElement, models: ModelSnapshot | undefined): void {
  const budgets = (models?.budgets ?? []).toSorted((a, b) => b.used_percent - a.used_percent);
  if (budgets.length === 0) {
    const note = "No budget is known here: the collector asks for them with --controller-url.";
    place.replaceChildren(make("p", { class: "note" }, note));
    return;
  }
  place.replaceChildren(make("ul", { class: "budgets" }, ...budgets.map(budgetItem)));
}

function budgetItem({ tenant, budget, limit, spent, used_percent }: Budget): HTMLElement {
  const name = `${tenant} ${budget}`;
  const kind = used_percent >= SPENT ? "spent" : used_percent >= WARNED ? "warned" : "fine";
  const meter = make("meter", { min: 0, max: 100, value: Math.min(used_percent, 100), "aria-label": name });
  const text = `${whole(Math.floor(used_percent))} %, ${count(spent)} of ${count(limit)}`;
  return make("li", { class: kind }, make("span", { class: "name" }, name), meter, make("strong", {}, text));
}
