import type { LogLine, Settings } from "./api.ts";
import { make } from "./dom.ts";
import { duration } from "./format.ts";

/** Fields that stand above the others, in this order. */
const FIRST = [
  "start_time",
  "response_code",
  "reason",
  "decision",
  "duration",
  "upstream_time",
  "upstream_host",
];

/** Shows one request: all of its line, how long each stage took, and the way to its trace. */
export function showRequest(
  place: HTMLElement,
  id: string,
  line: LogLine | undefined,
  { trace_url }: Settings,
  close: string,
): void {
  place.hidden = id === "";
  if (id === "") {
    place.replaceChildren();
    return;
  }
  const head = make(
    "header",
    {},
    make("h2", {}, `Request ${id}`),
    make("a", { href: close, class: "small" }, "Close"),
  );
  if (line === undefined) {
    place.replaceChildren(head, make("p", { class: "none" }, "No line of it in this time."));
    return;
  }
  const { phases, ...fields } = line;
  const names = Object.keys(fields).sort((a, b) => rank(a) - rank(b));
  place.replaceChildren(
    head,
    ...traceLink(line.trace_id, trace_url),
    ...(phases === undefined ? [] : [phasesList(phases, line.duration)]),
    make(
      "dl",
      { tabindex: 0, "aria-label": "Fields of the line" },
      ...names.flatMap((name) => [make("dt", {}, name), make("dd", {}, String(fields[name]))]),
    ),
  );
}

function rank(name: string): number {
  const place = FIRST.indexOf(name);
  return place < 0 ? FIRST.length : place;
}

function traceLink(trace: string | undefined, url: string | undefined): HTMLElement[] {
  if (trace === undefined) return [];
  if (url === undefined)
    return [make("p", { class: "none" }, "Where traces are shown is told by the collector's --trace-url.")];
  const href = url.replaceAll("{trace_id}", encodeURIComponent(trace));
  return [make("p", {}, make("a", { href, class: "trace", rel: "noreferrer" }, `Trace ${trace}`))];
}

/** Bars of the stages' time, which is microseconds, beside the whole request's. */
function phasesList(phases: Record<string, number>, ms: number | undefined): HTMLElement {
  const most = Math.max(1, ...Object.values(phases));
  const items = Object.entries(phases).map(([name, us]) => {
    const bar = make("meter", { min: 0, max: most, value: us, "aria-label": `${name} ${us} µs` });
    return make("li", {}, make("span", {}, name), bar, make("span", { class: "number" }, `${us} µs`));
  });
  return make(
    "div",
    { class: "phases" },
    make("h3", {}, `In the filter, of ${duration(ms)} in all`),
    make("ul", {}, ...items),
  );
}
