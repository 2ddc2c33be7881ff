import { wallNow } from "./now";

export const SECONDS_A_DAY: i64 = 86_400;
const NANOS_A_DAY: u64 = 86_400_000_000_000;

/** Days from 0000-03-01 to 1970-01-01, and in 400 years. */
const DAYS_TO_EPOCH: i64 = 719_468;
const DAYS_OF_ERA: i64 = 146_097;

/** The present day and month, in UTC. */
class Calendar {
  /** Days since 1970-01-01, and months since the year 0. */
  day: i64 = -1;
  month: i64 = 0;
  /** The day with which the next month begins, and how many days this one has. */
  private nextMonth: i64 = 0;
  private daysOfMonth: i64 = 0;

  /** Looks at the clock. */
  read(): void {
    const day = <i64>(wallNow() / NANOS_A_DAY);
    if (day == this.day) return;
    this.day = day;
    this.month = monthOf(day);
    const first = firstDayOf(this.month);
    this.nextMonth = firstDayOf(this.month + 1);
    this.daysOfMonth = this.nextMonth - first;
  }

  /** Nanoseconds until the next day, and until the next month. */
  get dayLeftNanos(): f64 {
    return <f64>((<u64>this.day + 1) * NANOS_A_DAY - wallNow());
  }

  get monthLeftNanos(): f64 {
    return <f64>(<u64>this.nextMonth * NANOS_A_DAY - wallNow());
  }

  get monthSeconds(): i64 {
    return this.daysOfMonth * SECONDS_A_DAY;
  }
}

export const calendar: Calendar = new Calendar();

/**
 * Years that begin with March end with the leap day, so that each month begins on a day that a formula tells.
 */
function monthOf(day: i64): i64 {
  const days = day + DAYS_TO_EPOCH;
  const era = days / DAYS_OF_ERA;
  const dayOfEra = days - era * DAYS_OF_ERA;
  const year = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
  const dayOfYear = dayOfEra - (365 * year + year / 4 - year / 100);
  return (era * 400 + year) * 12 + (5 * dayOfYear + 2) / 153 + 2;
}

function firstDayOf(month: i64): i64 {
  const months = month - 2;
  const year = months / 12;
  const fromMarch = months % 12;
  return year * 365 + year / 4 - year / 100 + year / 400 + (153 * fromMarch + 2) / 5 - DAYS_TO_EPOCH;
}
