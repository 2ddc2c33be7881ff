import { z } from "zod";
import { dnsLabel, taskid } from "./fields.ts";
import { withRules } from "./rules.ts";
import { streamEnds } from "./token-limits.ts";

/** What is left of 2^53 for sums. */
const MOST_TOKENS = 1_000_000_000_000_000;

/** Micro-units in one unit of a currency. */
const MICROS = 1_000_000n;

/** An amount of a currency: at most nine digits before the point, and six behind. */
const MONEY = /^(\d{1,9})(?:\.(\d{1,6}))? ([A-Z]{3})$/;

/** Those that were asked about: to make a calendar is slow. */
const timeZones = new Set<string>();

/** Whether this process knows the time zone: the API server has no list of them. */
function isTimeZone(name: string): boolean {
  if (timeZones.has(name)) return true;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    timeZones.add(name);
    return true;
  } catch {
    return false;
  }
}

const timeZone = () =>
  withRules(
    z
      .string()
      .max(64)
      .regex(/^[A-Za-z0-9_+/-]+$/, "must be a time zone such as Europe/Berlin or UTC"),
    [
      {
        holds: isTimeZone,
        message: "must be a time zone of the IANA database, such as Europe/Berlin or UTC",
      },
    ],
  );

const money = () =>
  withRules(
    z
      .string()
      .max(20)
      .regex(/^[0-9]{1,9}(\.[0-9]{1,6})? [A-Z]{3}$/, {
        error: "must be an amount and its currency, such as 250 EUR or 0.50 USD",
        abort: true,
      }),
    [
      {
        holds: (text) => parseMoney(text).micros > 0,
        cel: "self.matches('[1-9].* ')",
        message: "must be more than nothing",
      },
    ],
  );

/** Of a credential, as `credential.ts` has it. */
const credentialId = () =>
  z
    .string()
    .max(128)
    .regex(/^[A-Za-z0-9._@-]+$/, "must be 1 to 128 of the characters A-Z a-z 0-9 . _ @ -");

/** What counts towards a budget. */
const scope = z.strictObject({
  credentials: z
    .array(credentialId())
    .min(1)
    .max(256)
    .optional()
    .describe("Ids of the credentials whose calls count, together. Default: all of the tenant.")
    .meta({ "x-kubernetes-list-type": "set" }),
  tasks: z
    .array(taskid())
    .min(1)
    .max(256)
    .optional()
    .describe("Ids of the tasks whose calls count, together. Default: all of the tenant.")
    .meta({ "x-kubernetes-list-type": "set" }),
  each: z
    .enum(["credential", "task"])
    .optional()
    .describe(
      "Give each credential, or each task, the whole amount for itself. Default: all that counts shares one.",
    ),
});

/** Tokens or money that may be spent in a day, a week or a month of the calendar. */
export const budget = withRules(
  z.strictObject({
    name: dnsLabel().describe("Name in logs, metrics and commands, unique in the tenant."),
    per: z
      .enum(["day", "week", "month"])
      .describe("Period of the calendar after which the budget is whole again. A week begins on Monday."),
    timeZone: timeZone()
      .default("UTC")
      .describe("Time zone of the calendar, of the IANA database, such as Europe/Berlin. Default: UTC."),
    tokens: z
      .int()
      .min(1)
      .max(MOST_TOKENS)
      .optional()
      .describe("Tokens, as a task weights them. Set either this or `money`."),
    money: money()
      .optional()
      .describe(
        "Amount and currency, such as `250 EUR`; what a call costs comes from the controller's price table, which must be in this currency.",
      ),
    for: scope.prefault({}).describe("What counts towards it. Default: all calls of the tenant."),
    warnAt: z
      .array(z.int().min(1).max(100))
      .max(4)
      .default([80, 100])
      .describe("Warn when so many percent are spent. Default: 80 and 100.")
      .meta({ "x-kubernetes-list-type": "set" }),
    whenSpent: z
      .enum(["refuse", "lower"])
      .default("refuse")
      .describe(
        "What becomes of calls when it is spent: refuse them, or lower them to the class `lowerTo`. Default: refuse.",
      ),
    ...streamEnds(),
    lowerTo: dnsLabel()
      .optional()
      .describe(
        "Class of `priorities` that calls get, for the limits on tokens, when the budget is spent. Default: the last of the classes.",
      ),
  }),
  [
    {
      holds: ({ tokens, money }) => (tokens === undefined) !== (money === undefined),
      cel: "has(self.tokens) != has(self.money)",
      message: "needs tokens or money (one of them)",
    },
    {
      holds: ({ whenSpent, lowerTo }) => lowerTo === undefined || whenSpent === "lower",
      cel: "!has(self.lowerTo) || (has(self.whenSpent) && self.whenSpent == 'lower')",
      message: "needs whenSpent: lower",
      path: ["lowerTo"],
    },
    {
      holds: ({ warnAt }) => new Set(warnAt).size === warnAt.length,
      message: "must not hold a number twice",
      path: ["warnAt"],
    },
    {
      holds: ({ for: { credentials = [] } }) => new Set(credentials).size === credentials.length,
      message: "must not hold an id twice",
      path: ["for", "credentials"],
    },
    {
      holds: ({ for: { tasks = [] } }) => new Set(tasks).size === tasks.length,
      message: "must not hold an id twice",
      path: ["for", "tasks"],
    },
  ],
);

export type Budget = z.output<typeof budget>;

/** Reads an amount such as `250.50 EUR` without going through a float. @throws Error for another text */
export function parseMoney(text: string): { micros: number; currency: string } {
  const [, whole, part = "", currency] = MONEY.exec(text) ?? [];
  if (whole === undefined || currency === undefined) throw new Error(`${JSON.stringify(text)} is no amount`);
  return { micros: Number(BigInt(whole) * MICROS + BigInt(part.padEnd(6, "0"))), currency };
}

/** Micro-units as people write them, such as `250.50`. */
export function moneyText(micros: number): string {
  const digits = String(Math.abs(micros)).padStart(7, "0");
  const part = digits.slice(-6).replace(/0{1,4}$/, "");
  return `${micros < 0 ? "-" : ""}${digits.slice(0, -6)}.${part}`;
}

/** The whole of a budget: tokens, or micro-units of its currency. */
export function budgetAmount({ tokens, money }: Budget): number {
  return tokens ?? parseMoney(money ?? "").micros;
}
