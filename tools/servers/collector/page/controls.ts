import { element, make } from "./dom.ts";
import { parseFilter } from "./filter-text.ts";
import { showFilters } from "./filters.ts";
import { dayAndClock, setZone, zoneName } from "./format.ts";
import type { Link } from "./lines.ts";
import { parseRange, rangeText } from "./range-text.ts";
import { RANGES, REFRESHES, type Span, type State } from "./state.ts";

/** What the controls ask for. */
interface Wishes {
  state(): State;
  span(): Span;
  link: Link;
  /** Shows a changed state, as a new entry of the history or in place of the last one. */
  go(change: Partial<State>, entry?: boolean): void;
  zoomOut(): void;
}

const HOUR = 3_600_000;
/** To compare with: milliseconds earlier. */
const EARLIER: [label: string, ms: number][] = [
  ["nothing", 0],
  ["an hour earlier", HOUR],
  ["yesterday", 24 * HOUR],
  ["a week earlier", 7 * 24 * HOUR],
];

const range = element<HTMLSelectElement>("#range");
const span = element<HTMLInputElement>("#span");
const refresh = element<HTMLSelectElement>("#refresh");
const compare = element<HTMLSelectElement>("#compare");
const zone = element<HTMLSelectElement>("#zone");
const search = element<HTMLInputElement>("#search");
const find = element<HTMLInputElement>("#find");
const filter = element<HTMLInputElement>("#filter");

/** Shows what a state chooses. */
export function showControls(state: State, shown: Span, link: Link): void {
  setZone(state.zone);
  const title = state.task ? `Task ${state.task}` : state.tenant ? `Tenant ${state.tenant}` : "Fleet";
  document.title = `${title} · Modelgate`;
  element("#heading").textContent = title;
  showCrumbs(state, link);
  const isFixed = state.from > 0;
  const preset = !isFixed && state.range in RANGES;
  range.replaceChildren(...Object.entries(RANGES).map(([id, label]) => make("option", { value: id }, label)));
  if (isFixed)
    range.append(make("option", { value: "" }, `${dayAndClock(state.from)} – ${dayAndClock(state.to)}`));
  else if (!preset) range.append(make("option", { value: "" }, state.range));
  range.value = preset ? state.range : "";
  if (document.activeElement !== span)
    span.value = isFixed ? rangeText(shown, state.zone === "utc") : state.range;
  refresh.value = String(state.refresh);
  zone.replaceChildren(
    make("option", { value: "local" }, zoneName("local")),
    make("option", { value: "utc" }, "UTC"),
  );
  zone.value = state.zone;
  compare.replaceChildren(...EARLIER.map(([label, ms]) => make("option", { value: ms }, label)));
  if (!EARLIER.some(([, ms]) => ms === state.compare))
    compare.append(make("option", { value: state.compare }, "before the rollout"));
  compare.value = String(state.compare);
  if (document.activeElement !== search) search.value = state.search;
  if (document.activeElement !== find) find.value = state.find;
  showFilters(element("#filters"), state, link);
  element<HTMLInputElement>("#every").checked = state.lines === "all";
}

function showCrumbs(state: State, link: Link): void {
  const crumbs: [string, Partial<State>][] = [["Fleet", { tenant: "", task: "" }]];
  if (state.tenant) crumbs.push([state.tenant, { task: "" }]);
  if (state.task) crumbs.push([`task ${state.task}`, {}]);
  element("#crumbs").replaceChildren(
    ...crumbs.flatMap(([text, change], i) => {
      const current = i === crumbs.length - 1 && "page";
      const href = link({ ...change, search: "", at: 0, request: "" });
      const anchor = make("a", { href, "aria-current": current }, text);
      return i === 0 ? [anchor] : [make("span", { "aria-hidden": "true" }, "/"), anchor];
    }),
  );
}

/** Lets the controls work. */
export function startControls(wishes: Wishes): void {
  const { go, state } = wishes;
  refresh.append(...REFRESHES.map((value) => make("option", { value }, value === 0 ? "off" : `${value} s`)));
  range.addEventListener("change", () => go({ range: range.value || state().range, from: 0, to: 0, at: 0 }));
  refresh.addEventListener("change", () => go({ refresh: Number(refresh.value) }));
  compare.addEventListener("change", () => go({ compare: Number(compare.value) }));
  zone.addEventListener("change", () => go({ zone: zone.value === "utc" ? "utc" : "local" }));
  search.addEventListener("input", () => go({ search: search.value }, false));
  element("#zoom-out").addEventListener("click", () => wishes.zoomOut());
  element("#every").addEventListener("change", ({ target }) =>
    go({ lines: (target as HTMLInputElement).checked ? "all" : "failed" }),
  );
  onEnter(span, (text) => {
    const wanted = parseRange(text, Date.now(), state().zone === "utc");
    if (typeof wanted === "string") return wanted;
    go({ from: 0, to: 0, at: 0, ...wanted });
    return undefined;
  });
  onEnter(find, (text) => {
    go({ find: text.trim() });
    return undefined;
  });
  onEnter(filter, (text) => {
    const change = parseFilter(text);
    if (typeof change === "string") return change;
    filter.value = "";
    go(change);
    return undefined;
  });
  addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    if (event.key === "/" && !typing) {
      event.preventDefault();
      search.focus();
    }
    if (event.key === "Escape" && event.target === search) {
      search.value = "";
      go({ search: "" }, false);
    }
  });
}

/** Calls `take` with what was written; what it returns is what is wrong with it. */
function onEnter(input: HTMLInputElement, take: (text: string) => string | undefined): void {
  const fault = element(`#${input.id}-fault`);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    const wrong = take(input.value) ?? "";
    fault.textContent = wrong;
    fault.hidden = wrong === "";
    input.setAttribute("aria-invalid", String(wrong !== ""));
  });
}
