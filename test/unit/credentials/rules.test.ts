import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { tenant as schema } from "../../../tools/api/tenant.ts";
import { REASONS } from "../../../tools/cluster/credentials/reasons.ts";
import { endOfOld, nextId } from "../../../tools/cluster/credentials/rotation.ts";
import { rfc3339, span, timeOrSpan } from "../../../tools/cluster/credentials/time.ts";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";
import { authTenant } from "../../support/auth-tenant.ts";

const NOW = Date.parse("2027-01-01T00:00:00Z");

function withIds(...ids: string[]) {
  const credentials = ids.map((id) => ({ id, secretRef: { name: "s", key: id } }));
  return schema.parse({ ...authTenant, spec: { ...authTenant.spec, credentials } });
}

it("every reason of the filter is explained, and no other", async () => {
  const replies = await readFile(new URL("filters/tenant-auth/replies.ts", PROJECT_ROOT), "utf8");
  const reasons = [
    ...replies.matchAll(/= (?:unauthenticated|invalid|badRequest|forbidden|unavailable)\(\s*"(\w+)"/g),
  ];
  expect(reasons.length).toBeGreaterThan(30);
  expect([...REASONS.keys()].sort()).toEqual(reasons.map(([, reason]) => reason).sort());
});

describe("rotation", () => {
  it.each<[string, string[], string]>([
    ["a", [], "a-2"],
    ["a", ["a-2", "a-3"], "a-4"],
    ["a-2", ["a"], "a-3"],
    ["a-9", ["a-10"], "a-11"],
    ["a-b", [], "a-b-2"],
    ["-1", [], "-1-2"],
  ])("%s beside %j is followed by %s", (id, others, next) => {
    expect(nextId(withIds(id, ...others), id)).toBe(next);
  });

  it.each<[string | undefined, string]>([
    [undefined, "2027-01-08T00:00:00Z"],
    ["2027-01-03T00:00:00+02:00", "2027-01-03T00:00:00+02:00"],
    ["2028-01-01T00:00:00Z", "2027-01-08T00:00:00Z"],
  ])("an old key that ends %s works until %s", (notAfter, ends) => {
    expect(endOfOld({ notAfter }, span("7d"), NOW)).toBe(ends);
  });
});

describe("times", () => {
  it.each([
    ["30m", 1_800_000],
    ["12h", 43_200_000],
    ["90d", 7_776_000_000],
    ["4w", 2_419_200_000],
    ["0d", 0],
  ])("%s", (text, milliseconds) => {
    expect(span(text)).toBe(milliseconds);
  });

  it.each(["", "90", "d", "-1d", "1.5d", "90 d", "tomorrow", "2027-01-01", "1y"])("%j is none", (text) => {
    expect(() => timeOrSpan(text)).toThrow("such as");
  });

  it("RFC 3339 in whole seconds", () => {
    expect(rfc3339(NOW + 999)).toBe("2027-01-01T00:00:00Z");
    expect(timeOrSpan("2027-01-01T01:00:00+01:00")).toBe("2027-01-01T01:00:00+01:00");
    expect(timeOrSpan("1d")).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });
});
