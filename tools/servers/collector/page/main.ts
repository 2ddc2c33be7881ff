import {
  fetchLines,
  fetchRequest,
  fetchSettings,
  fetchSnapshot,
  type Settings,
  type Snapshot,
  type Traffic,
} from "./api.ts";
import { showControls, startControls } from "./controls.ts";
import { element, make } from "./dom.ts";
import { clock, dayAndClock, zoneName } from "./format.ts";
import { showLines } from "./lines.ts";
import { ModelsView } from "./models.ts";
import { showRequest } from "./request.ts";
import { FILTERS, faultOf, linkTo, readState, type Span, type State, spanOf, zoomedOut } from "./state.ts";
import { Table, type TableView } from "./table.ts";
import { startTheme } from "./theme.ts";
import { showTiles } from "./tiles.ts";
import { inSteps, Timeline } from "./timeline.ts";

let state = readState(location.search);
let snapshot: Snapshot | undefined;
let settings: Settings = {};
let loading: AbortController | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

const timeline = new Timeline({
  select: (from, to) => go({ from: Math.floor(from) * 1000, to: Math.ceil(to) * 1000, at: 0 }),
  pick: (time) => go({ at: time * 1000, lines: "all" }),
  compareBefore: (time) => go({ compare: Math.max(1, span().to - time) }),
});
const models = new ModelsView({
  select: (from, to) => go({ from: Math.floor(from) * 1000, to: Math.ceil(to) * 1000, at: 0 }),
  pick: (time) => go({ at: time * 1000, lines: "all", view: "traffic" }),
});
const table = new Table(element("#table"));
const link = (change: Partial<State>) => linkTo(state, change);

/** The time that is on the screen. */
function span(): Span {
  return snapshot ?? spanOf(state, Date.now());
}

/** Shows a changed state; a change of what is typed makes no entry in the history. */
function go(change: Partial<State>, entry = true): void {
  const target = link(change);
  if (target === location.pathname + location.search) return;
  history[entry ? "pushState" : "replaceState"](undefined, "", target);
  showState(entry);
}

/** Shows what the address says. @param fresh whether it may need other numbers */
function showState(fresh: boolean): void {
  state = readState(location.search);
  showControls(state, spanOf(state, Date.now()), link);
  if (fresh) void load(true);
  else showTable();
}

async function load(fresh = false): Promise<void> {
  clearTimeout(timer);
  loading?.abort();
  const controller = new AbortController();
  loading = controller;
  const { signal } = controller;
  if (fresh) document.body.dataset.state = "loading";
  try {
    const shown = spanOf(state, Date.now());
    const [taken, found, line] = await Promise.all([
      fetchSnapshot(state, shown, signal),
      listsLines() ? fetchLines(state, shown, signal) : undefined,
      state.request ? fetchRequest(state.request, shown, signal) : undefined,
    ]);
    if (signal.aborted) return;
    snapshot = taken;
    showLines(element("#lines"), found, state, link);
    showRequest(element("#request"), state.request, line, settings, link({ request: "" }));
    show(taken);
  } catch (error) {
    if (signal.aborted) return;
    showFault(error);
  }
  schedule();
}

/** Lines of the whole fleet are worth nothing until something is asked for. */
function listsLines(): boolean {
  return Boolean(
    state.task ||
      state.find ||
      state.at ||
      state.lines === "all" ||
      FILTERS.some((name) => state[name] !== ""),
  );
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
  element("#banner").hidden = true;
  element("#status").textContent =
    `${state.from > 0 ? "Fixed" : "Live"} · to ${clock(taken.to)} ${zoneName()}`;
  const fault = faultOf(location.search);
  const wrong = element("#wrong");
  wrong.hidden = fault === undefined;
  if (fault !== undefined) wrong.textContent = `The address says ${fault}; it is left out.`;
  const note = element("#empty");
  note.hidden = !empty;
  if (empty) note.replaceChildren(...emptyNote(taken));
  const steps = inSteps(taken.series, taken.from, taken.to, taken.step);
  showTiles(element("#tiles"), taken.total, steps, taken.before?.total);
  document.body.dataset.view = state.view;
  timeline.set(taken);
  if (state.view === "models") models.set(taken, link);
  showViews(taken);
  showTable();
  // Last: who waits for it finds all of the page.
  document.body.dataset.state = empty ? "empty" : "ready";
}

function emptyNote({ from, to }: Snapshot): (Node | string)[] {
  const where = state.task ? ` for task ${state.task}` : state.tenant ? ` for tenant ${state.tenant}` : "";
  const narrowed = FILTERS.some((name) => state[name] !== "") ? " that all the filters let through" : "";
  return [
    make(
      "strong",
      {},
      `No request${where}${narrowed} between ${dayAndClock(from)} and ${dayAndClock(to)} ${zoneName()}.`,
    ),
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
  const leadsTo = ({ tenant = "", taskid = "", version = "", gateway = "" }: Traffic) => {
    if (state.task) return link({ version, gateway });
    if ((!tenants && taskid === "") || (tenants && tenant === "")) return undefined;
    const task = tenants ? "" : taskid;
    return link({ tenant, task, search: "", sort: "-requests", rows: "task" });
  };
  const onSort = (sort: string) => go({ sort }, false);
  const { search, sort } = state;
  table.set({ rows: snapshot?.rows ?? [], names, search, sort, link: leadsTo, onSort });
  showGrouping();
}

/** The views are there to choose from where a language model was called. */
function showViews({ total }: Snapshot): void {
  const views = element("#views");
  views.hidden = total?.models === undefined && state.view === "traffic";
  const names = { traffic: "Traffic", models: "Language models" } as const;
  const skip = element<HTMLAnchorElement>(".skip");
  skip.hash = state.view === "models" ? "#models" : "#tasks";
  skip.textContent = state.view === "models" ? "Skip to the numbers" : "Skip to the table";
  views.replaceChildren(
    ...(["traffic", "models"] as const).map((view) =>
      make("a", { href: link({ view }), "aria-current": state.view === view && "true" }, names[view]),
    ),
  );
}

function showGrouping(): void {
  const grouping = element("#grouping");
  grouping.hidden = Boolean(state.tenant || state.task);
  grouping.replaceChildren(
    ...(["task", "tenant"] as const).map((rows) => {
      const pressed = { "aria-pressed": String(state.rows === rows) };
      const button = make("button", { type: "button", ...pressed }, `by ${rows}`);
      button.addEventListener("click", () => go({ rows }));
      return button;
    }),
  );
}

startControls({
  ...{ state: () => state, span, link, go },
  zoomOut: () => go({ ...zoomedOut(span(), Date.now()), at: 0 }),
});
addEventListener("popstate", () => showState(true));
addEventListener("click", (event) => {
  const anchor = event.target instanceof Element ? event.target.closest("a") : null;
  if (!anchor || event.ctrlKey || event.metaKey || event.shiftKey || anchor.hash) return;
  if (anchor.origin !== location.origin) return;
  event.preventDefault();
  history.pushState(undefined, "", anchor.href);
  showState(true);
});
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : void load()));
startTheme(element("#theme"), () => {
  timeline.build();
  models.build();
});
fetchSettings()
  .then((given) => {
    settings = given;
  })
  .catch(() => {})
  .finally(() => showState(true));
