import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseFilter } from "../../../tools/servers/collector/page/filter-text.ts";
import { parseRange, rangeText } from "../../../tools/servers/collector/page/range-text.ts";
import {
  FILTERS,
  faultOf,
  lengthOf,
  linkTo,
  RANGES,
  readState,
  type State,
  spanOf,
  zoomedOut,
} from "../../../tools/servers/collector/page/state.ts";

const now = Date.parse("2026-11-25T10:17:42Z");
const clock = (time: number) => new Date(time).toISOString().slice(11, 19);
const iso = (time: number) => new Date(time).toISOString().slice(5, 16);

describe("the page's URL", () => {
  test("holds any state", () => {
    const state = fc.record({
      tenant: fc.string(),
      task: fc.string(),
      ...Object.fromEntries(FILTERS.map((name) => [name, fc.string()])),
      range: fc.constantFrom(...Object.keys(RANGES), "90s", "3d", "1.5h"),
      from: fc.constantFrom(1_700_000_000_000),
      to: fc.constantFrom(1_700_000_000_001, 1_800_000_000_000),
      at: fc.constantFrom(0, 1_700_000_000_000),
      find: fc.string(),
      lines: fc.constantFrom("failed" as const, "all" as const),
      request: fc.string(),
      compare: fc.constantFrom(0, 86_400_000),
      zone: fc.constantFrom("local" as const, "utc" as const),
      search: fc.string(),
      sort: fc.constantFrom("requests", "-p99", "taskid"),
      rows: fc.constantFrom("task" as const, "tenant" as const),
      view: fc.constantFrom("traffic" as const, "models" as const),
      refresh: fc.constantFrom(0, 10, 30, 60),
    }) as unknown as fc.Arbitrary<State>;
    fc.assert(
      fc.property(state, (state) => {
        expect(readState(linkTo(state, {}).slice(1))).toEqual(state);
      }),
    );
  });

  test.each([
    ...[
      "?range=1y",
      "?range=400d",
      "?range=1s",
      "?from=-1&to=5",
      "?from=9&to=5",
      "?from=x&to=y",
      "?refresh=3",
    ],
    ...["?rows=all", "?from=1&to=999999999999999", "?zone=mars", "?at=soon"],
  ])("%s is the default, and is told", (query) => {
    expect(linkTo(readState(query), {})).toBe("/");
    expect(faultOf(query)).toMatch(/ is (no range of time|nothing that there is)$/);
  });

  test.each(["", "?task=1&utm_source=x", "?from=1700000000000&to=1700000060000"])(
    "%s has no fault",
    (query) => expect(faultOf(query)).toBeUndefined(),
  );
});

describe("the time that is shown", () => {
  test.each([
    ["15m", "11-25T10:02", "11-25T10:17", 1],
    ["1h", "11-25T09:17", "11-25T10:17", 1],
    ["24h", "11-24T10:15", "11-25T10:17", 15],
    ["7d", "11-18T10:00", "11-25T10:17", 120],
  ])("%s", (range, from, to, step) => {
    const span = spanOf(readState(`?range=${range}`), now);
    expect([iso(span.from), iso(span.to), span.step / 60_000]).toEqual([from, to, step]);
  });

  test.each([
    ["5m", "10:12:40", "10:17:40", 10],
    ["90s", "10:16:10", "10:17:40", 10],
    ["2h", "08:16:00", "10:17:00", 120],
  ])("%s, by ten seconds when it is short", (range, from, to, step) => {
    const span = spanOf(readState(`?range=${range}`), now);
    expect([clock(span.from), clock(span.to), span.step / 1_000]).toEqual([from, to, step]);
  });

  test("a part of a quarter of an hour has the ten seconds of the store", () => {
    const span = spanOf(readState(`?from=${now - 300_500}&to=${now}`), now);
    expect([clock(span.from), clock(span.to), span.step]).toEqual(["10:12:40", "10:17:50", 10_000]);
  });

  test("zooming out doubles the time, and ends at now", () => {
    const hour = { from: now - 7_200_000, to: now - 3_600_000, step: 60_000 };
    const out = zoomedOut(hour, now);
    expect([clock(out.from), clock(out.to)]).toEqual(["07:47:42", "09:47:42"]);
    expect(zoomedOut({ ...hour, from: now - 3_600_000, to: now }, now)).toEqual({
      from: now - 7_200_000,
      to: now,
    });
  });

  test("a fixed range, in whole steps, not too many", () => {
    const span = spanOf(readState(`?from=${now - 36_000_000}&to=${now}`), now);
    expect([iso(span.from), iso(span.to), span.step / 60_000]).toEqual(["11-25T00:10", "11-25T10:20", 10]);
  });

  test("a step under way is as long as it lasted", () => {
    const span = spanOf(readState("?range=7d"), now);
    expect(lengthOf(Date.parse("2026-11-25T08:00:00Z"), span, now)).toBe(7_200_000);
    expect(lengthOf(Date.parse("2026-11-25T10:00:00Z"), span, now)).toBe(17 * 60_000 + 42_000);
  });
});

describe("what people write", () => {
  const at = (text: string) => Date.parse(`2026-11-25T${text}Z`);
  test.each([
    ["15m", { range: "15m" }],
    [" 1.5 h ", { range: "1.5h" }],
    ["2026-11-25 10:00 – 11:00", { from: at("10:00"), to: at("11:00") }],
    ["2026-11-25 10:00 to now", { from: at("10:00"), to: now }],
    ["9:30 - 10:00:30", { from: at("09:30"), to: at("10:00:30") }],
    ["2026-11-25T10:00:00Z/2026-11-25T11:00:00+00:30", { from: at("10:00"), to: at("10:30") }],
    ["2026-11-24 – 2026-11-25", { from: Date.parse("2026-11-24"), to: Date.parse("2026-11-25") }],
    ["11:00 – 10:00", "the range ends before it begins"],
    ["soon", "write how long (15m, 2h, 7d) or from – to (2026-11-25 10:00 – 11:00)"],
    ["noon – 13:00", "“noon” is no time"],
    ["10:00 – 2026-13-45", "“2026-13-45” is no time"],
  ])("a range: %s", (text, wanted) => expect(parseRange(text, now, true)).toEqual(wanted));

  test("a range is written as it is read, in any zone", () => {
    const range = fc.tuple(fc.integer({ min: 1, max: 4e9 }), fc.integer({ min: 1, max: 1e6 }));
    fc.assert(
      fc.property(range, fc.boolean(), ([start, length], utc) => {
        const wanted = { from: start * 1_000, to: (start + length) * 1_000 };
        // Where clocks are set back an hour is there twice.
        if (!utc && new Date(wanted.from).getTimezoneOffset() !== new Date(wanted.to).getTimezoneOffset())
          return;
        expect(parseRange(rangeText(wanted, utc), now, utc)).toEqual(wanted);
      }),
    );
  });

  test("a filter", () => {
    expect(parseFilter("status=5xx version:v2")).toEqual({ code: "5xx", version: "v2" });
    expect(parseFilter("colour=red")).toMatch(/^“colour=red”: write version, gateway/);
  });
});
