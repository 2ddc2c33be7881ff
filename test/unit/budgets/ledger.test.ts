import { describe, expect, it } from "vitest";
import { budget } from "../../../tools/api/budget.ts";
import { type AccountReply, Ledger } from "../../../tools/servers/budgets/ledger.ts";
import { EMPTY } from "../../../tools/servers/budgets/state.ts";

const ZONE = "Europe/Berlin";
/** Clocks go back an hour in the night after. */
const SATURDAY = Date.parse("2026-10-24T12:00:00+02:00");
const HOUR_MS = 3_600_000;

const ledgerOf = (...budgets: object[]) =>
  new Ledger(
    structuredClone(EMPTY),
    budgets.map((each) => budget.parse(each)),
  );
const daily = { name: "daily", per: "day", timeZone: ZONE, tokens: 1000 };
const said = (wanted: number, lease?: AccountReply, spent = 0, final = false) => ({
  wanted,
  leases: lease ? [{ id: lease.lease, spent, returned: 0, final }] : [],
});

/** What a gateway is told that must be told something. */
function told(ledger: Ledger, name: string, holder: string, report: ReturnType<typeof said>, now = SATURDAY) {
  const reply = ledger.report(name, holder, report, now);
  if (!reply) throw new Error(`no account ${name}`);
  return reply;
}

describe("leases", () => {
  it("are what a gateway wants, as far as there is", () => {
    const ledger = ledgerOf(daily);
    expect(told(ledger, "daily", "a", said(400))).toMatchObject({
      granted: 400,
      remaining: 1000,
      limit: 1000,
    });
    expect(told(ledger, "daily", "b", said(900))).toMatchObject({ granted: 600 });
    expect(told(ledger, "daily", "c", said(100))).toMatchObject({ granted: 0 });
    // Those who have more than their part give back.
    expect(told(ledger, "daily", "b", said(900)).keep).toBe(500);
  });

  it("give a gateway that wants nothing some to begin with", () => {
    expect(told(ledgerOf(daily), "daily", "a", said(0)).granted).toBe(62);
  });

  it("are nobody else's", () => {
    const ledger = ledgerOf(daily);
    const lease = told(ledger, "daily", "a", said(400));
    const other = told(ledger, "daily", "b", said(0, lease, 300));
    expect(other).toMatchObject({ acknowledged: [], closed: [lease.lease] });
    expect(ledger.state.accounts.daily).toMatchObject({ spent: 0 });
  });

  it("of a gateway that is gone count as spent, but for what it gave back", () => {
    const ledger = ledgerOf(daily);
    const lease = told(ledger, "daily", "a", said(400));
    told(ledger, "daily", "a", {
      wanted: 0,
      leases: [{ id: lease.lease, spent: 100, returned: 50, final: false }],
    });
    ledger.retire((holder) => holder === "a");
    expect(ledger.state.accounts.daily).toMatchObject({ spent: 100, unknown: 250, leases: {} });
    expect(told(ledger, "daily", "b", said(5000)).granted).toBe(650);
  });

  it("that were overspent are counted in full, and leave less to others", () => {
    const ledger = ledgerOf(daily);
    const lease = told(ledger, "daily", "a", said(1000));
    const after = told(ledger, "daily", "a", said(1000, lease, 1300));
    expect(after).toMatchObject({
      remaining: -300,
      granted: 1000,
      acknowledged: [{ id: lease.lease, spent: 1300 }],
    });
    expect(told(ledger, "daily", "b", said(10))).toMatchObject({ lease: 0, granted: 0 });
  });
});

describe("periods", () => {
  it("end with the day of the zone, which may have 25 hours, and become history", () => {
    const ledger = ledgerOf(daily);
    const lease = told(ledger, "daily", "a", said(400));
    told(ledger, "daily", "a", said(400, lease, 250));
    const sunday = Date.parse("2026-10-25T00:00:00+02:00");
    expect(told(ledger, "daily", "a", said(0), sunday - 1).end).toBe(sunday);
    const next = told(ledger, "daily", "a", said(400, lease, 300), sunday);
    expect(next.lease).not.toBe(lease.lease);
    expect(next.end - sunday).toBe(25 * HOUR_MS);
    // Spent before midnight, told behind it: it belongs to the day before.
    expect(next).toMatchObject({ remaining: 1000, acknowledged: [{ id: lease.lease, spent: 300 }] });
    expect(ledger.state.accounts.daily?.history).toEqual([
      expect.objectContaining({
        kind: "period",
        start: Date.parse("2026-10-24T00:00:00+02:00"),
        spent: 300,
        unknown: 350,
      }),
    ]);
    told(ledger, "daily", "a", said(400, lease, 310, true), sunday);
    expect(ledger.state.accounts.daily?.history[0]).toMatchObject({ spent: 310, unknown: 0 });
  });

  it("do not begin anew when a clock is set back", () => {
    const ledger = ledgerOf(daily);
    const lease = told(ledger, "daily", "a", said(400));
    told(ledger, "daily", "a", said(0, lease, 400), SATURDAY);
    expect(told(ledger, "daily", "a", said(0), SATURDAY - 48 * HOUR_MS).remaining).toBe(600);
  });

  it("of another length keep what is spent, until they end", () => {
    const { state } = ledgerOf(daily);
    const lease = told(new Ledger(state, [budget.parse(daily)]), "daily", "a", said(400));
    const weekly = new Ledger(state, [budget.parse({ ...daily, per: "week", tokens: 5000 })]);
    const reply = told(weekly, "daily", "a", said(400, lease, 400));
    expect(reply).toMatchObject({ remaining: 4600, end: Date.parse("2026-10-26T00:00:00+01:00") });
  });
});

describe("by hand", () => {
  it("a budget is topped up for its period, once for one command", () => {
    const ledger = ledgerOf(daily);
    for (const _ of [1, 2]) ledger.topUp("daily", 500, "id", "launch", SATURDAY);
    expect(told(ledger, "daily", "a", said(0))).toMatchObject({ limit: 1500, remaining: 1500 });
    expect(told(ledger, "daily", "a", said(0), SATURDAY + 24 * HOUR_MS)).toMatchObject({ limit: 1000 });
  });

  it("a budget is whole again, and leases go on", () => {
    const ledger = ledgerOf(daily);
    const lease = told(ledger, "daily", "a", said(400));
    told(ledger, "daily", "a", said(400, lease, 300));
    ledger.reset("daily", "id", "wrong price", SATURDAY);
    expect(told(ledger, "daily", "a", said(400, lease, 320))).toMatchObject({ remaining: 980 });
    expect(ledger.state.accounts.daily?.history).toEqual([
      { kind: "reset", id: "id", at: SATURDAY, spent: 300, unknown: 0, reason: "wrong price" },
    ]);
  });
});

describe("warnings", () => {
  it("come once for each percentage, and again when there was more meanwhile", () => {
    const ledger = ledgerOf(daily);
    const lease = told(ledger, "daily", "a", said(1000));
    const percents = (spent: number) => {
      told(ledger, "daily", "a", said(0, lease, spent));
      return ledger.warnings.splice(0).map(({ percent }) => percent);
    };
    expect(percents(799)).toEqual([]);
    expect(percents(800)).toEqual([80]);
    expect(percents(900)).toEqual([]);
    expect(percents(1000)).toEqual([100]);
    ledger.topUp("daily", 1000, "id", "", SATURDAY);
    expect(percents(1700)).toEqual([80]);
  });
});

describe("accounts", () => {
  const each = { ...daily, for: { each: "credential", credentials: ["alice", "bob"] } };

  it("of each credential are its own", () => {
    const ledger = ledgerOf(each);
    const lease = told(ledger, "daily/alice", "a", said(1000));
    expect(told(ledger, "daily/alice", "a", said(0, lease, 1000)).remaining).toBe(0);
    expect(told(ledger, "daily/bob", "a", said(100)).remaining).toBe(1000);
  });

  it.each(["daily", "daily/", "daily/carol", "monthly", "constructor", "daily/alice/x"])(
    "%s is none",
    (name) => {
      const ledger = ledgerOf(each);
      expect(ledger.report(name, "a", said(1), SATURDAY)).toBeUndefined();
      expect(ledger.state.accounts).toEqual({});
    },
  );

  it.each(["daily", "daily/", `daily/${"x".repeat(129)}`])(
    "%s is none of a budget for any credential",
    (name) => {
      const ledger = ledgerOf({ ...daily, for: { each: "credential" } });
      expect(ledger.report(name, "a", said(1), SATURDAY)).toBeUndefined();
      expect(ledger.report("daily/x", "a", said(1), SATURDAY)).toBeDefined();
    },
  );

  it("of a budget that is gone are kept until a day behind their period", () => {
    const { state } = ledgerOf(daily);
    told(new Ledger(state, [budget.parse(daily)]), "daily", "a", said(0));
    const without = new Ledger(state, []);
    without.tick(SATURDAY + 24 * HOUR_MS);
    expect(Object.keys(state.accounts)).toEqual(["daily"]);
    without.tick(SATURDAY + 48 * HOUR_MS);
    expect(Object.keys(state.accounts)).toEqual([]);
  });
});
