import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  lengthOf,
  linkTo,
  RANGES,
  readState,
  type State,
  spanOf,
} from "../../../tools/servers/collector/page/state.ts";

const now = Date.parse("2026-11-25T10:17:42Z");
const iso = (time: number) => new Date(time).toISOString().slice(5, 16);

describe("the page's URL", () => {
  test("holds any state", () => {
    const state: fc.Arbitrary<State> = fc.record({
      tenant: fc.string(),
      task: fc.string(),
      range: fc.constantFrom(...Object.keys(RANGES)),
      from: fc.constant(0),
      to: fc.constant(0),
      search: fc.string(),
      sort: fc.constantFrom("requests", "-p99", "taskid"),
      rows: fc.constantFrom("task" as const, "tenant" as const),
      refresh: fc.constantFrom(0, 10, 30, 60),
    });
    fc.assert(
      fc.property(state, (state) => {
        expect(readState(linkTo(state, {}).slice(1))).toEqual(state);
      }),
    );
  });

  test.each(["?range=1y", "?from=-1&to=5", "?from=9&to=5", "?from=x&to=y", "?refresh=3", "?rows=all"])(
    "%s is the default",
    (query) => expect(linkTo(readState(query), {})).toBe("/"),
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
