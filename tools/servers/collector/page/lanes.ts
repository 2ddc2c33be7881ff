import type { EventType, TimelineEvent } from "./api.ts";
import { AXIS_WIDTH, RIGHT_PADDING } from "./charts.ts";
import { element, make } from "./dom.ts";
import { dayAndClock } from "./format.ts";

const KINDS: [EventType, string][] = [
  ["rollout", "Rollouts"],
  ["kubernetes", "Kubernetes"],
  ["limit", "Limits"],
  ["alert", "Alerts"],
  ["other", "Other"],
];
/** Events closer than this share of the time line are one mark. */
const TOGETHER = 0.012;
const MOST_LISTED = 300;

/** Events on the x axis of the charts, a lane a kind, and as a list. */
export class Lanes {
  private readonly card: HTMLElement;
  private readonly cursor = make("div", { class: "cursor", hidden: true });

  private readonly onCompare: (time: number) => void;

  /** @param onCompare shows the time before an event beside the one after it; milliseconds */
  constructor(card: HTMLElement, onCompare: (time: number) => void) {
    this.card = card;
    this.onCompare = onCompare;
    element(".list", card).tabIndex = 0;
  }

  set(events: TimelineEvent[], from: number, to: number): void {
    const shown = KINDS.filter(([kind]) => kind !== "other" || events.some(({ type }) => type === "other"));
    element(".lanes", this.card).replaceChildren(
      ...shown.map(([kind, name]) =>
        make(
          "div",
          { class: "lane" },
          make("span", { class: "name" }, name),
          ...marks(events.filter(({ type }) => type === kind)).map((mark) => this.mark(kind, mark, from, to)),
        ),
      ),
      this.cursor,
    );
    const listed = events.slice(-MOST_LISTED).reverse();
    element("summary", this.card).textContent =
      events.length === 0
        ? "No events in this time"
        : `${events.length} ${events.length === 1 ? "event" : "events"}${events.length > MOST_LISTED ? `, the last ${MOST_LISTED} listed` : ""}`;
    element(".list", this.card).replaceChildren(...listed.map((event) => this.item(event)));

    function marks(kind: TimelineEvent[]): TimelineEvent[][] {
      const groups: TimelineEvent[][] = [];
      for (const event of kind) {
        const last = groups.at(-1);
        const near =
          last &&
          Date.parse(event.time) - Date.parse((last[0] as TimelineEvent).time) < (to - from) * TOGETHER;
        if (near) last.push(event);
        else groups.push([event]);
      }
      return groups;
    }
  }

  /** Shows where the charts' cursor is, in pixels of their plots. */
  point(x: number | undefined): void {
    this.cursor.hidden = x === undefined;
    if (x !== undefined) this.cursor.style.left = `${AXIS_WIDTH + x}px`;
  }

  private mark(kind: EventType, events: TimelineEvent[], from: number, to: number): HTMLElement {
    const first = events[0] as TimelineEvent;
    const share = (Date.parse(first.time) - from) / (to - from);
    const listed = events
      .slice(0, 5)
      .map(({ time, reason, message }) => `${dayAndClock(Date.parse(time))} ${reason}: ${message}`)
      .join("\n");
    const label = [
      ...(events.length > 1 ? [`${events.length} events`] : []),
      listed,
      ...(events.length > 5 ? [`and ${events.length - 5} more`] : []),
    ].join("\n");
    const button = make(
      "button",
      { type: "button", class: `mark ${kind}`, title: label, "aria-label": label },
      events.length > 1 ? String(events.length) : "",
    );
    button.style.left = `calc(${AXIS_WIDTH}px + ${share} * (100% - ${AXIS_WIDTH + RIGHT_PADDING}px))`;
    button.addEventListener("click", () => this.reveal(first.time));
    return button;
  }

  private reveal(time: string): void {
    element<HTMLDetailsElement>("details", this.card).open = true;
    for (const listed of this.card.querySelectorAll<HTMLElement>(".list li")) {
      listed.classList.toggle("chosen", listed.dataset.time === time);
      if (listed.dataset.time === time) listed.scrollIntoView({ block: "nearest" });
    }
  }

  private item({ time, type, reason, message, tenant, taskid, gateway, source }: TimelineEvent): HTMLElement {
    const about = [taskid && `task ${taskid}`, tenant, gateway, source].filter(Boolean).join(" · ");
    const made = make(
      "li",
      {},
      make("time", { datetime: time }, dayAndClock(Date.parse(time))),
      make("span", { class: `kind ${type}` }, type),
      make("span", { class: "what" }, make("b", {}, reason), ` ${message}`),
      make("span", { class: "about" }, about),
    );
    if (type === "rollout") {
      const button = make("button", { type: "button", class: "small" }, "Compare with before");
      button.addEventListener("click", () => this.onCompare(Date.parse(time)));
      element(".what", made).append(" ", button);
    }
    made.dataset.time = time;
    return made;
  }
}
