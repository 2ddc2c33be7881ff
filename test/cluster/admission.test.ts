import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { KINDS } from "../../tools/api/kinds.ts";
import { concurrently } from "../../tools/lib/kubernetes/concurrently.ts";
import type { Manifest } from "../../tools/lib/kubernetes/manifest.ts";
import { type TemporaryFolder, temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { arbitraryResources, type Written } from "../support/resource-arbitraries.ts";
import { arbitraryEdit, edit, placeOf } from "../support/resource-edits.ts";
import { type ControlPlane, installDefinitions, startControlPlane } from "./support/api-server.ts";

/**
 * Tenants and ModelTasks, good ones and ones with a mistake, as the API server takes them by the CRDs and
 * their rules: it and the schema take the same ones.
 */

const seed = Number(process.env.MODELGATE_SEED ?? Math.floor(Math.random() * 2 ** 31));
const SETS = 150;
/** Requests at once. */
const AT_ONCE = 8;

let folder: TemporaryFolder;
let cluster: ControlPlane;

beforeAll(async () => {
  folder = await temporaryFolder(join(tmpdir(), "modelgate-admission-"));
  cluster = await startControlPlane(folder.path);
  await installDefinitions(cluster);
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "search" } };
  await cluster.client.apply(namespace, { fieldManager: "kubectl" });
});

afterAll(async () => {
  for (const program of cluster?.programs ?? []) await program.stop();
  await folder?.remove();
});

/** What the API server has against an object; undefined where it takes it. Nothing is stored. */
async function refusal(object: Manifest): Promise<string | undefined> {
  const path = object.kind === "Tenant" ? "tenants" : "namespaces/search/modeltasks";
  const query = "dryRun=All&fieldValidation=Strict";
  try {
    await cluster.client.send("POST", `apis/modelgate.dev/v1alpha1/${path}?${query}`, object);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Why the API server may take what the schema refuses. */
function isKnown(object: Manifest, paths: PropertyKey[][]): boolean {
  return paths.every((path) => {
    const value = path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)?.[key], object);
    // It takes null for left out, and compares whole numbers with a minimum of 0.001 as if that were 0.
    return value === null || value === 0;
  });
}

async function disagreements(objects: Manifest[]): Promise<{ refused: number; told: string[] }> {
  const told: string[] = [];
  let refused = 0;
  await concurrently(objects, AT_ONCE, async (object) => {
    const said = await refusal(object);
    const { success, error } = KINDS[object.kind as "Tenant" | "ModelTask"].schema.safeParse(object);
    if (said !== undefined) refused++;
    if (success === (said === undefined)) return;
    const paths = error?.issues.map(({ path }) => path) ?? [];
    if (!success && isKnown(object, paths)) return;
    const faults = error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    told.push(`schema: ${faults?.join("; ") ?? "takes it"}; API server: ${said ?? "takes it"}`);
  });
  return { refused, told };
}

const objectsOf = ({ tenant, tasks }: Written) => [tenant, ...tasks] as unknown as Manifest[];

it("takes what the schema takes", async () => {
  const sets = fc.sample(arbitraryResources, { seed, numRuns: SETS });
  const { told } = await disagreements(sets.flatMap(objectsOf));
  expect(told, `seed ${seed}`).toEqual([]);
}, 300_000);

it("refuses what the schema refuses", async () => {
  const drawn = fc.sample(fc.tuple(arbitraryResources, arbitraryEdit), { seed, numRuns: SETS * 3 });
  const edited = drawn.flatMap(([written, change]) => {
    const path = placeOf(written, change);
    if (!edit(written, path, change.change)) return [];
    return [path[0] === "tenant" ? written.tenant : written.tasks[path[1] as number]];
  }) as unknown as Manifest[];
  const { refused, told } = await disagreements(edited);
  expect(told, `seed ${seed}`).toEqual([]);
  expect(refused).toBeGreaterThan(SETS);
}, 300_000);

const METADATA = { name: "search", namespace: "search" };
const gateway = { name: "gateway", namespace: "search", hosts: ["search.example"] };
const tenant = (spec: object): Manifest => ({
  apiVersion: "modelgate.dev/v1alpha1",
  kind: "Tenant",
  metadata: { name: "search" },
  spec: { gateway, namespaces: ["search"], ...spec },
});
const task = (spec: object): Manifest => ({
  apiVersion: "modelgate.dev/v1alpha1",
  kind: "ModelTask",
  metadata: METADATA,
  spec: { taskid: "1", tenant: "search", service: { name: "m" }, ...spec },
});
const budget = { name: "b", per: "month", tokens: 1 };

/** Rules between fields, which only CEL tells the API server. */
it.each([
  ["a duration over a year", task({ timeout: "8761h" }), /at most a year/],
  ["a duration below what Istio takes", task({ timeout: "0.5ms" }), /at least 1ms/],
  ["durations", task({ timeout: "1h30m", stream: { timeout: "0s", idleTimeout: "1ms" } }), undefined],
  ["a budget of tokens and money", tenant({ budgets: [{ ...budget, money: "1 EUR" }] }), /tokens or money/],
  ["a budget of neither", tenant({ budgets: [{ ...budget, tokens: undefined }] }), /tokens or money/],
  ["two budgets of one name", tenant({ budgets: [budget, budget] }), /Duplicate value/],
  ["a budget", tenant({ budgets: [budget] }), undefined],
  ["settings of a language model that is none", task({ openai: {} }), /is for protocol: openai/],
  ["a language model", task({ protocol: "openai", openai: { models: ["m"] } }), undefined],
  [
    "token limits",
    task({ protocol: "openai", openai: { tokenLimits: { tokensPerSecond: 5, burst: 9 } } }),
    undefined,
  ],
  [
    "a burst of tokens without a rate",
    task({ protocol: "openai", openai: { tokenLimits: { burst: 9 } } }),
    /tokensPerSecond/,
  ],
  ["weights that do not add up", task({ versions: [{ name: "a", weight: 1 }] }), /weights must sum to 100/],
  [
    "exempt requests",
    task({ limits: { requestsPerSecond: 1, exempt: { paths: ["/v2/{any}"], credentials: ["a"] } } }),
    undefined,
  ],
  [
    "an exempt path with a query",
    task({ limits: { requestsPerSecond: 1, exempt: { paths: ["/v2?a"] } } }),
    /should match/,
  ],
])("%s", async (_, object, fault) => {
  const said = await refusal(object);
  if (fault === undefined) expect(said).toBeUndefined();
  else expect(said).toMatch(fault);
  expect(KINDS[object.kind as "Tenant" | "ModelTask"].schema.safeParse(object).success).toBe(!fault);
});
