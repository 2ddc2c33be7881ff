import type { LogLine } from "./api.ts";
import { element, make } from "./dom.ts";
import { duration, seconds } from "./format.ts";

/** Lists what went wrong for a task, newest first. */
export function showFailures(card: HTMLElement, lines: LogLine[] | undefined): void {
  card.hidden = lines === undefined;
  const items = (lines ?? []).map(item);
  const list = element(".rows", card);
  list.tabIndex = 0;
  list.replaceChildren(...(items.length > 0 ? items : [make("li", {}, "None in this time.")]));
}

function item(line: LogLine): HTMLElement {
  const code = line.response_code ?? 0;
  const ids = [
    line.version,
    line.credential,
    line.trace_id && `trace ${line.trace_id}`,
    line.request_id && `request ${line.request_id}`,
  ];
  return make(
    "li",
    {},
    make("time", { datetime: line.start_time }, seconds(Date.parse(line.start_time))),
    make("span", { class: code === 0 || code >= 500 ? "code error" : "code" }, String(code)),
    make("span", {}, duration(line.duration)),
    make("span", {}, line.reason || line.response_flags?.replace(/^-$/, "") || ""),
    make("span", { class: "path" }, `${line.method ?? ""} ${line.path ?? ""}`),
    make("span", { class: "ids" }, ids.filter(Boolean).join(" · ")),
  );
}
