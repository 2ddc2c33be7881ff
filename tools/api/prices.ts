import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { type Fault, InvalidResources } from "./fault.ts";
import { API_VERSION, taskid } from "./fields.ts";
import { issueMessage } from "./issue-message.ts";
import { Positions, parseDocuments } from "./positions.ts";
import { withRules } from "./rules.ts";

const PRICE = /^(\d{1,6})(?:\.(\d{1,6}))?$/;

/** Of a million tokens, in units of the currency. A number of YAML has the digits that were written. */
const price = () =>
  z
    .union([z.string(), z.number()], { error: "must be a price such as 0.15" })
    .transform(String)
    .pipe(z.string().regex(PRICE, "must be a price such as 0.15, with at most six digits behind the point"));

const taskPrices = z.strictObject({
  task: z.union([taskid(), z.literal("*")]).describe("Id of the task, or `*` for each that is not named."),
  input: price().describe("Price of 1,000,000 input tokens."),
  cached: price().optional().describe("The same of input tokens that were cached. Default: as `input`."),
  output: price().describe("Price of 1,000,000 output tokens."),
  reasoning: price().optional().describe("The same of output tokens for reasoning. Default: as `output`."),
});

const prices = withRules(
  z.strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal("Prices"),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/, "must be a currency of ISO 4217, such as EUR")
      .describe("Currency of all prices, and of the budgets that go by them."),
    tasks: z.array(taskPrices).max(10_000).describe("The price of each task's tokens."),
  }),
  [
    {
      holds: ({ tasks }) => new Set(tasks.map(({ task }) => task)).size === tasks.length,
      message: "must not hold a task twice",
      path: ["tasks"],
    },
  ],
);

/** Prices of a million tokens in micro-units of the currency, as gateways get them. */
export interface PriceList {
  /** Another one for other prices. */
  version: string;
  currency: string;
  /** By task id, or `*`: input, cached, output, reasoning. */
  tasks: Record<string, [input: number, cached: number, output: number, reasoning: number]>;
}

/**
 * Reads a price table.
 * @throws InvalidResources with line and field of each fault; Error when it can't be read
 */
export async function readPrices(file: string): Promise<PriceList> {
  return parsePrices(file, await readFile(file, "utf8"));
}

/** @throws InvalidResources */
function parsePrices(file: string, text: string): PriceList {
  const positions = new Positions(text);
  const [document] = parseDocuments(text);
  const fault = (path: PropertyKey[], message: string): Fault => ({
    ...{ file, line: positions.lineOf(0, path), resource: "Prices", path, message },
  });
  const [broken] = document?.errors ?? [];
  if (document === undefined || broken)
    throw new InvalidResources([fault([], `is not YAML${broken ? `: ${broken.message}` : ""}`)]);
  const parsed = prices.safeParse(document.toJS({ maxAliasCount: 100 }), {
    ...{ error: issueMessage, reportInput: true },
  });
  if (!parsed.success)
    throw new InvalidResources(parsed.error.issues.map(({ path, message }) => fault(path, message)));
  const { currency, tasks } = parsed.data;
  const list = tasks.map(({ task, input, cached = input, output, reasoning = output }) => [
    task,
    [input, cached, output, reasoning].map(micros),
  ]);
  const version = createHash("sha256")
    .update(JSON.stringify([currency, list]))
    .digest("hex")
    .slice(0, 16);
  return { version, currency, tasks: Object.fromEntries(list) };
}

function micros(text: string): number {
  const [, whole = "0", part = ""] = PRICE.exec(text) ?? [];
  return Number(whole) * 1_000_000 + Number(part.padEnd(6, "0"));
}
