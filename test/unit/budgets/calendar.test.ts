import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { periodAt } from "../../../tools/servers/budgets/calendar.ts";

const HOUR_MS = 3_600_000;
const iso = (at: number) => new Date(at).toISOString().replace(":00.000Z", "Z");
const period = (per: "day" | "week" | "month", zone: string, at: string) => {
  const { start, end } = periodAt(per, zone, Date.parse(at));
  return [iso(start), iso(end)];
};

describe("the calendar of a time zone", () => {
  it.each([
    ["month", "UTC", "2026-02-10T12:00Z", "2026-02-01T00:00Z", "2026-03-01T00:00Z"],
    ["month", "UTC", "2028-02-29T23:59Z", "2028-02-01T00:00Z", "2028-03-01T00:00Z"],
    ["month", "UTC", "2026-12-31T23:59Z", "2026-12-01T00:00Z", "2027-01-01T00:00Z"],
    // March begins in winter time and ends in summer time: an hour is missing.
    ["month", "Europe/Berlin", "2026-03-29T01:00Z", "2026-02-28T23:00Z", "2026-03-31T22:00Z"],
    ["month", "Europe/Berlin", "2026-10-31T22:59Z", "2026-09-30T22:00Z", "2026-10-31T23:00Z"],
    ["month", "Asia/Kolkata", "2026-05-31T18:30Z", "2026-05-31T18:30Z", "2026-06-30T18:30Z"],
    ["month", "Pacific/Kiritimati", "2026-05-31T10:00Z", "2026-05-31T10:00Z", "2026-06-30T10:00Z"],
    ["month", "Pacific/Pago_Pago", "2026-06-01T10:59Z", "2026-05-01T11:00Z", "2026-06-01T11:00Z"],
    ["week", "UTC", "2026-11-30T00:00Z", "2026-11-30T00:00Z", "2026-12-07T00:00Z"],
    ["week", "UTC", "2026-11-29T23:59Z", "2026-11-23T00:00Z", "2026-11-30T00:00Z"],
    ["week", "America/New_York", "2026-11-01T12:00Z", "2026-10-26T04:00Z", "2026-11-02T05:00Z"],
    ["day", "Europe/Berlin", "2026-03-29T12:00Z", "2026-03-28T23:00Z", "2026-03-29T22:00Z"],
    ["day", "Europe/Berlin", "2026-10-25T12:00Z", "2026-10-24T22:00Z", "2026-10-25T23:00Z"],
    ["day", "Australia/Lord_Howe", "2026-04-04T18:00Z", "2026-04-04T13:00Z", "2026-04-05T13:30Z"],
    // Clocks go from 24:00 to 01:00: the day has no midnight.
    ["day", "Africa/Cairo", "2026-04-24T12:00Z", "2026-04-23T22:00Z", "2026-04-24T21:00Z"],
    // Clocks go from 01:00 to 00:00: midnight comes twice, and the first one counts.
    ["day", "America/Havana", "2026-11-01T12:00Z", "2026-11-01T04:00Z", "2026-11-02T05:00Z"],
    // Samoa left out 30 December 2011.
    ["day", "Pacific/Apia", "2011-12-30T09:59Z", "2011-12-29T10:00Z", "2011-12-30T10:00Z"],
    ["day", "Pacific/Apia", "2011-12-30T10:00Z", "2011-12-30T10:00Z", "2011-12-31T10:00Z"],
  ] as const)("%s of %s at %s", (per, zone, at, start, end) => {
    expect(period(per, zone, at)).toEqual([start, end]);
  });

  it("knows no time zone that is none", () => {
    expect(() => periodAt("day", "Europe/Bonn", 0)).toThrow(RangeError);
  });

  it("has each instant in one period, and periods that follow each other", () => {
    const zones = Intl.supportedValuesOf("timeZone");
    const at = fc.integer({ min: Date.UTC(1975, 0), max: Date.UTC(2040, 0) });
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.constantFrom("day", "week", "month"), at, (zone, per, at) => {
        const { start, end } = periodAt(per, zone, at);
        expect(start <= at && at < end, `${at} from ${start} to ${end}`).toBe(true);
        for (const inside of [start, end - 1, Math.floor((start + end) / 2)])
          expect(periodAt(per, zone, inside)).toEqual({ start, end });
        expect(periodAt(per, zone, end).start).toBe(end);
        expect(periodAt(per, zone, start - 1).end).toBe(start);
        const longest = { day: 26, week: 7 * 24 + 2, month: 31 * 24 + 2 }[per];
        expect(end - start).toBeLessThanOrEqual(longest * HOUR_MS);
      }),
      { numRuns: 300 },
    );
  });
});
