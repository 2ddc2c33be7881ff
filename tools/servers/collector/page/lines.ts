import type { FoundLines, LogLine } from "./api.ts";
import { element, make } from "./dom.ts";
import { dayAndClock, duration, seconds, whole } from "./format.ts";
import type { State } from "./state.ts";

/** How a change of the state is linked to. */
export type Link = (change: Partial<State>) => string;

const DAY = 86_400_000;

/** Lists log lines, newest first; each leads to its request, and its parts to what has them in common. */
export function showLines(card: HTMLElement, found: FoundLines | undefined, state: State, link: Link): void {
  card.hidden = found === undefined;
  if (found === undefined) return;
  const { lines, matched } = found;
  element(".count", card).textContent =
    lines.length < matched ? `${whole(lines.length)} of ${whole(matched)}` : whole(matched);
  element("h2", card).textContent = headingOf(state);
  const long = Date.now() - Date.parse(lines.at(-1)?.start_time ?? new Date().toISOString()) > DAY;
  const list = element(".rows", card);
  list.tabIndex = 0;
  const none = state.find ? "No line has these words in this time." : "None in this time.";
  list.replaceChildren(
    ...(lines.length > 0 ? lines.map((line) => item(line, link, long)) : [make("li", {}, none)]),
  );
}

function headingOf({ at, lines, find, code, outcome, reason }: State): string {
  const chosen = lines === "all" || find || code || outcome || reason;
  const what = chosen ? "Log lines" : "Failed and refused requests";
  return at > 0 ? `${what} from ${seconds(at)}` : what;
}

function item(line: LogLine, link: Link, long: boolean): HTMLElement {
  const { version, credential, reason, request_id, response_code: code = 0 } = line;
  const time = Date.parse(line.start_time);
  const text = long ? dayAndClock(time) : seconds(time);
  const stamp = make("time", { datetime: line.start_time }, text);
  const href = request_id === undefined ? undefined : link({ request: request_id });
  const filter = (change: Partial<State>, shown: string) =>
    make("a", { class: "filter", href: link(change), title: `Only ${shown}` }, shown);
  return make(
    "li",
    {},
    href === undefined ? stamp : make("a", { href, class: "open" }, stamp),
    make(
      "span",
      { class: code === 0 || code >= 500 ? "code error" : code >= 400 ? "code" : "code fine" },
      filter({ code: String(code) }, code === 0 ? "no answer" : String(code)),
    ),
    make("span", {}, duration(line.duration)),
    reason === undefined
      ? make("span", {}, line.response_flags?.replace(/^-$/, "") ?? "")
      : filter({ reason }, reason),
    make("span", { class: "path" }, `${line.method ?? ""} ${line.path ?? ""}`),
    make(
      "span",
      { class: "ids" },
      ...(version ? [filter({ version }, version), " · "] : []),
      ...(credential ? [filter({ credential }, credential), " · "] : []),
      request_id ?? "",
    ),
  );
}
