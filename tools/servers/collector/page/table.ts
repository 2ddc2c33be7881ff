import type { Traffic } from "./api.ts";
import { make } from "./dom.ts";
import { count, duration, percent } from "./format.ts";
import { shareOf } from "./outcomes.ts";

const ROW_HEIGHT = 34;
const BEYOND = 8;
/** Of the columns of names, as grid tracks. */
const WIDTHS = {
  tenant: "minmax(72px, 2fr)",
  taskid: "minmax(72px, 2fr)",
  version: "minmax(48px, 0.8fr)",
  gateway: "minmax(90px, 2.8fr)",
};

export interface TableView {
  rows: Traffic[];
  /** Columns of names before the numbers: field and heading. */
  names: [keyof Traffic & ("tenant" | "taskid" | "version" | "gateway"), string][];
  search: string;
  /** Column id, with "-" before it for largest first. */
  sort: string;
  /** Where a row leads; absent = nowhere. */
  link: (row: Traffic) => string | undefined;
  onSort: (sort: string) => void;
}

interface Column {
  id: string;
  heading: string;
  value: (row: Traffic) => number;
  text: (row: Traffic) => string;
  alarm?: (row: Traffic) => boolean;
  /** Also where there is little room. */
  narrow?: true;
}

const ratioOf = (name: "errors" | "client_errors" | "refused") => (row: Traffic) => shareOf(row, name) ?? 0;
const NUMBERS: Column[] = [
  {
    id: "requests",
    heading: "req/s",
    value: ({ requests }) => requests,
    text: ({ qps }) => count(qps),
    narrow: true,
  },
  {
    id: "errors",
    heading: "server errors",
    value: ratioOf("errors"),
    text: (row) => percent(ratioOf("errors")(row)),
    alarm: (row) => ratioOf("errors")(row) >= 0.01,
    narrow: true,
  },
  {
    id: "client_errors",
    heading: "callers’ errors",
    value: ratioOf("client_errors"),
    text: (row) => percent(ratioOf("client_errors")(row)),
  },
  {
    id: "refused",
    heading: "refused",
    value: ratioOf("refused"),
    text: (row) => percent(ratioOf("refused")(row)),
  },
  { id: "p50", heading: "p50", value: ({ p50 }) => p50 ?? -1, text: ({ p50 }) => duration(p50) },
  {
    id: "p99",
    heading: "p99",
    value: ({ p99 }) => p99 ?? -1,
    text: ({ p99 }) => duration(p99),
    narrow: true,
  },
  {
    id: "in_flight",
    heading: "in flight",
    value: ({ in_flight }) => in_flight,
    text: (row) => count(row.in_flight),
  },
];

/** A table of any number of rows: only those in sight are elements. */
export class Table {
  private readonly place: HTMLElement;
  private readonly head = make("div", { class: "head", role: "row" });
  private readonly scroller = make("div", {
    class: "scroller",
    role: "rowgroup",
    tabindex: 0,
    "aria-label": "Rows",
  });
  private readonly body = make("div", { class: "body", role: "presentation" });
  private readonly note = make("p", { class: "note" });
  private view: TableView | undefined;
  private shown: Traffic[] = [];
  private most = 1;

  constructor(place: HTMLElement) {
    this.place = place;
    place.setAttribute("role", "table");
    place.setAttribute("aria-labelledby", "table-name");
    this.scroller.append(this.body);
    place.append(this.head, this.scroller, this.note);
    this.scroller.addEventListener("scroll", () => this.paint(), { passive: true });
    this.scroller.addEventListener("keydown", (event) => this.onKey(event));
    new ResizeObserver(() => this.paint()).observe(this.scroller);
  }

  set(view: TableView): void {
    this.view = view;
    const words = view.search.toLowerCase().split(/\s+/).filter(Boolean);
    const found = view.rows.filter((row) => {
      const text = view.names
        .map(([field]) => row[field] ?? "")
        .join(" ")
        .toLowerCase();
      return words.every((word) => text.includes(word));
    });
    this.shown = found.sort(comparator(view.sort));
    this.most = Math.max(1, ...view.rows.map(({ requests }) => requests));
    this.place.setAttribute("aria-rowcount", String(this.shown.length + 1));
    this.place.style.setProperty("--names", view.names.map(([field]) => WIDTHS[field]).join(" "));
    this.head.replaceChildren(...this.headings(view));
    this.body.style.height = `${this.shown.length * ROW_HEIGHT}px`;
    const all = view.rows.length;
    this.note.textContent =
      all === 0
        ? "No request in this time."
        : found.length === 0
          ? `Nothing of ${all} matches “${view.search}”.`
          : found.length < all
            ? `${found.length} of ${all}`
            : `${all} ${all === 1 ? "row" : "rows"}`;
    this.paint();
  }

  private headings({ names, sort, onSort }: TableView): HTMLElement[] {
    const heading = (id: string, text: string, name: boolean, narrow = true) => {
      const down = sort === `-${id}`;
      const order = down ? "descending" : sort === id ? "ascending" : "none";
      const button = make(
        "button",
        { type: "button" },
        text,
        make("i", { "aria-hidden": "true" }, arrow(order)),
      );
      button.addEventListener("click", () => {
        const first = name ? id : `-${id}`;
        onSort(sort === first ? (name ? `-${id}` : id) : first);
      });
      return make(
        "div",
        {
          role: "columnheader",
          "aria-sort": order,
          class: `${name ? "name" : "number"}${narrow ? "" : " wide"}`,
        },
        button,
      );
    };
    return [
      ...names.map(([field, text]) => heading(field, text, true)),
      ...NUMBERS.map(({ id, heading: text, narrow = false }) => heading(id, text, false, narrow)),
    ];
  }

  private paint(): void {
    if (this.view === undefined) return;
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / ROW_HEIGHT) - BEYOND);
    const last = Math.min(
      this.shown.length,
      Math.ceil((this.scroller.scrollTop + this.scroller.clientHeight) / ROW_HEIGHT) + BEYOND,
    );
    const focused = focusedRow();
    const rows: HTMLElement[] = [];
    for (let i = first; i < last; i++) rows.push(this.row(this.view, this.shown[i] as Traffic, i));
    this.body.replaceChildren(...rows);
    if (focused) this.focus(focused);
  }

  private row({ names, link }: TableView, row: Traffic, index: number): HTMLElement {
    const href = link(row);
    const made = make("div", { role: "row", class: "row", "aria-rowindex": index + 2 });
    made.style.top = `${index * ROW_HEIGHT}px`;
    made.append(
      ...names.map(([field], i) => {
        const text = row[field] || "(none)";
        const name = i === 0 && href !== undefined ? make("a", { href }, text) : text;
        return make("span", { role: "cell", class: row[field] ? "name" : "name none", title: text }, name);
      }),
      ...NUMBERS.map(({ text, alarm, narrow }) => {
        const classes = `number${alarm?.(row) ? " alarmed" : ""}${narrow ? "" : " wide"}`;
        return make("span", { role: "cell", class: classes }, text(row));
      }),
    );
    const bar = make("i", { class: "bar-of-row", "aria-hidden": "true" });
    bar.style.width = `${(row.requests / this.most) * 100}%`;
    made.append(bar);
    return made;
  }

  private focus(rowIndex: string): void {
    this.body.querySelector<HTMLElement>(`[aria-rowindex="${rowIndex}"] a`)?.focus({ preventScroll: true });
  }

  /** Up and Down go from row to row, also past those in sight. */
  private onKey(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const current = focusedRow();
    const index = Math.max(0, Math.min(this.shown.length - 1, current ? Number(current) - 2 + step : 0));
    const top = index * ROW_HEIGHT;
    const { scrollTop, clientHeight } = this.scroller;
    if (top < scrollTop) this.scroller.scrollTop = top;
    if (top + ROW_HEIGHT > scrollTop + clientHeight)
      this.scroller.scrollTop = top + ROW_HEIGHT - clientHeight;
    this.paint();
    this.focus(String(index + 2));
  }
}

function focusedRow(): string | null | undefined {
  return document.activeElement?.closest("[aria-rowindex]")?.getAttribute("aria-rowindex");
}

function comparator(sort: string): (a: Traffic, b: Traffic) => number {
  const down = sort.startsWith("-");
  const id = down ? sort.slice(1) : sort;
  const column = NUMBERS.find((column) => column.id === id);
  const order = column
    ? (a: Traffic, b: Traffic) => column.value(a) - column.value(b)
    : (a: Traffic, b: Traffic) =>
        String(a[id as "tenant"] ?? "").localeCompare(String(b[id as "tenant"] ?? ""), "en", {
          numeric: true,
        });
  return down ? (a, b) => order(b, a) : order;
}

function arrow(order: string): string {
  return order === "none" ? "" : order === "ascending" ? "↑" : "↓";
}
