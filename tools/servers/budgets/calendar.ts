import type { Budget } from "../../api/budget.ts";

/** A period of a budget: instants in milliseconds since 1970-01-01T00:00Z, the end not included. */
interface Period {
  start: number;
  end: number;
}

type Per = Budget["per"];

const DAY_MS = 86_400_000;
/** Clocks on earth are between 12 hours behind UTC and 14 before it. */
const MOST_OFFSET_MS = 16 * 3_600_000;
const MONDAY = 1;
const DAYS_A_WEEK = 7;
/** Days are told from each other by their midnight in UTC, as if the zone were UTC. */
type Day = number;

/**
 * The day, week or month of a time zone's calendar that an instant lies in. A day begins with its first
 * instant, which where clocks are moved at midnight is not 00:00. It has 23 or 25 hours where they are moved.
 * @param at milliseconds
 * @throws RangeError for a time zone that is none
 */
export function periodAt(per: Per, timeZone: string, at: number): Period {
  const dayOf = days(timeZone);
  const first = firstDay(per, dayOf(at));
  const next = following(per, first);
  const end = beginning(dayOf, next);
  // Where clocks went back over midnight, an hour of the day before follows a moment of this one.
  if (at >= end) return { start: end, end: beginning(dayOf, following(per, next)) };
  return { start: beginning(dayOf, first), end };
}

const known = new Map<string, (at: number) => Day>();

/** Says of an instant which day the zone's calendar shows. */
function days(timeZone: string): (at: number) => Day {
  let dayOf = known.get(timeZone);
  if (dayOf === undefined) {
    const format = new Intl.DateTimeFormat("en-US", {
      ...{ timeZone, calendar: "gregory", year: "numeric", month: "numeric", day: "numeric" },
    });
    dayOf = (at) => {
      const [month = 1, day = 1, year = 1970] = format.format(at).split("/").map(Number);
      return Date.UTC(year, month - 1, day);
    };
    known.set(timeZone, dayOf);
  }
  return dayOf;
}

function firstDay(per: Per, day: Day): Day {
  const date = new Date(day);
  if (per === "month") return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
  if (per === "day") return day;
  return day - ((date.getUTCDay() - MONDAY + DAYS_A_WEEK) % DAYS_A_WEEK) * DAY_MS;
}

function following(per: Per, first: Day): Day {
  const date = new Date(first);
  if (per === "month") return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
  return first + (per === "day" ? 1 : DAYS_A_WEEK) * DAY_MS;
}

/** The first instant of a day, found between bounds: of a day that a zone left out, that of the next. */
function beginning(dayOf: (at: number) => Day, day: Day): number {
  let before = day - MOST_OFFSET_MS;
  let from = day + MOST_OFFSET_MS;
  while (from - before > 1) {
    const middle = Math.floor((before + from) / 2);
    if (dayOf(middle) >= day) from = middle;
    else before = middle;
  }
  return from;
}
