import { fetchSnapshot, type Snapshot, type Traffic } from "./api.ts";
import { element, make } from "./dom.ts";
import { showFailures } from "./failures.ts";
import { clock, dayAndClock } from "./format.ts";
import { linkTo, RANGES, REFRESHES, readState, type State, spanOf } from "./state.ts";
import { Table, type TableView } from "./table.ts";
import { startTheme } from "./theme.ts";
import { showTiles } from "./tiles.ts";
import { inSteps, Timeline } from "./timeline.ts";

let state = readState(location.search);
let snapshot: Snapshot | undefined;
let loading: AbortController | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

const timeline = new Timeline((from, to) => go({ from: Math.floor(from) * 1000, to: Math.ceil(to) * 1000 }));
const table = new Table(element("#table"));
const search = element<HTMLInputElement>("#search");
const range = element<HTMLSelectElement>("#range");
const refresh = element<HTMLSelectElement>("#refresh");

/** Shows a changed state; a change of what is typed makes no entry in the history. */
function go(change: Partial<State>, entry = true): void {
  const link = linkTo(state, change);
  history[entry ? "pushState" : "replaceState"](undefined, "", link);
  const before = state;
  state = readState(location.search);
  showControls();
  const same = (["tenant", "task", "range", "from", "to", "rows"] as const).every(
    (name) => before[name] === state[name],
  );
  if (same) showTable();
  else void load(true);
}

async function load(fresh = false): Promise<void> {
  clearTimeout(timer);
  loading?.abort();
  const controller = new AbortController();
  loading = controller;
  if (fresh) document.body.dataset.state = "loading";
  try {
    const taken = await fetchSnapshot(state, spanOf(state, Date.now()), controller.signal);
    if (controller.signal.aborted) return;
    snapshot = taken;
    show(taken);
  } catch (error) {
    if (controller.signal.aborted) return;
    showFault(error);
  }
  schedule();
}

function schedule(): void {
  clearTimeout(timer);
  const failed = document.body.dataset.state === "failed";
  const seconds = state.from > 0 ? 0 : state.refresh;
  if (document.hidden || (seconds === 0 && !failed)) return;
  timer = setTimeout(() => void load(), (seconds || 10) * 1000);
}

function show(taken: Snapshot): void {
  const empty = taken.total === undefined || taken.total.requests === 0;
  document.body.dataset.state = empty ? "empty" : "ready";
  element("#banner").hidden = true;
  element("#status").textContent = `${state.from > 0 ? "Fixed" : "Live"} · to ${clock(taken.to)}`;
  const note = element("#empty");
  note.hidden = !empty;
  if (empty) note.replaceChildren(...emptyNote(taken));
  showTiles(element("#tiles"), taken.total, inSteps(taken.series, taken.from, taken.to, taken.step));
  timeline.set(taken);
  showFailures(element("#failures"), state.task ? taken.failures : undefined);
  showTable();
}

function emptyNote({ from, to }: Snapshot): (Node | string)[] {
  const where = state.task ? ` for task ${state.task}` : state.tenant ? ` for tenant ${state.tenant}` : "";
  return [
    make("strong", {}, `No request${where} between ${dayAndClock(from)} and ${dayAndClock(to)}.`),
    " Choose a longer range, or see whether lines come in: ",
    make("code", {}, "modelgate logs --follow"),
  ];
}

function showFault(error: unknown): void {
  document.body.dataset.state = "failed";
  const banner = element("#banner");
  const again = make("button", { type: "button" }, "Try again");
  again.addEventListener("click", () => void load());
  const since = snapshot ? ` What is shown is from ${clock(snapshot.to)}.` : "";
  const what =
    error instanceof TypeError ? "The collector does not answer." : String((error as Error).message);
  banner.replaceChildren(make("span", {}, `${what}${since}`), again);
  banner.hidden = false;
  element("#status").textContent = "Disconnected";
}

function showTable(): void {
  const tenants = state.rows === "tenant" && !state.tenant && !state.task;
  const names: TableView["names"] = state.task
    ? [
        ["version", "version"],
        ["gateway", "gateway"],
      ]
    : tenants
      ? [["tenant", "tenant"]]
      : state.tenant
        ? [["taskid", "task"]]
        : [
            ["taskid", "task"],
            ["tenant", "tenant"],
          ];
  element("#table-name").textContent = state.task ? "Versions and gateways" : tenants ? "Tenants" : "Tasks";
  const link = ({ tenant = "", taskid = "" }: Traffic) => {
    if (state.task || (!tenants && taskid === "") || (tenants && tenant === "")) return undefined;
    return linkTo(state, {
      tenant,
      task: tenants ? "" : taskid,
      search: "",
      sort: "-requests",
      rows: "task",
    });
  };
  const onSort = (sort: string) => go({ sort }, false);
  table.set({ rows: snapshot?.rows ?? [], names, search: state.search, sort: state.sort, link, onSort });
}

function showControls(): void {
  const title = state.task ? `Task ${state.task}` : state.tenant ? `Tenant ${state.tenant}` : "Fleet";
  document.title = `${title} · Modelgate`;
  element("#heading").textContent = title;
  const crumbs: [string, Partial<State>][] = [["Fleet", { tenant: "", task: "" }]];
  if (state.tenant) crumbs.push([state.tenant, { task: "" }]);
  if (state.task) crumbs.push([`task ${state.task}`, {}]);
  element("#crumbs").replaceChildren(
    ...crumbs.flatMap(([text, change], i) => {
      const current = i === crumbs.length - 1 && "page";
      const link = make(
        "a",
        { href: linkTo(state, { ...change, search: "" }), "aria-current": current },
        text,
      );
      return i === 0 ? [link] : [make("span", { "aria-hidden": "true" }, "/"), link];
    }),
  );
  range.replaceChildren(
    ...Object.entries(RANGES).map(([id, { label }]) => make("option", { value: id }, label)),
  );
  if (state.from > 0)
    range.append(make("option", { value: "" }, `${dayAndClock(state.from)} – ${dayAndClock(state.to)}`));
  range.value = state.from > 0 ? "" : state.range;
  refresh.value = String(state.refresh);
  if (search.value !== state.search) search.value = state.search;
  const grouping = element("#grouping");
  grouping.hidden = Boolean(state.tenant || state.task);
  grouping.replaceChildren(
    ...(["task", "tenant"] as const).map((rows) => {
      const button = make(
        "button",
        { type: "button", "aria-pressed": String(state.rows === rows) },
        `by ${rows}`,
      );
      button.addEventListener("click", () => go({ rows }));
      return button;
    }),
  );
}

refresh.append(...REFRESHES.map((value) => make("option", { value }, value === 0 ? "off" : `${value} s`)));
range.addEventListener("change", () => go({ range: range.value || state.range, from: 0, to: 0 }));
refresh.addEventListener("change", () => {
  go({ refresh: Number(refresh.value) });
  schedule();
});
search.addEventListener("input", () => go({ search: search.value }, false));
addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
  if (event.key === "/" && !typing) {
    event.preventDefault();
    search.focus();
  }
  if (event.key === "Escape" && event.target === search) go({ search: "" }, false);
});
addEventListener("popstate", () => {
  state = readState(location.search);
  showControls();
  void load(true);
});
addEventListener("click", (event) => {
  const anchor = event.target instanceof Element ? event.target.closest("a") : null;
  if (!anchor || event.ctrlKey || event.metaKey || event.shiftKey || anchor.hash) return;
  event.preventDefault();
  history.pushState(undefined, "", anchor.href);
  state = readState(location.search);
  showControls();
  void load(true);
});
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : void load()));
startTheme(element("#theme"), () => timeline.build());
showControls();
void load(true);
