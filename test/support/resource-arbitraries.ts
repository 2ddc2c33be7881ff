/**
 * Tenants and ModelTasks for property tests, most of which the schema takes: each field is drawn from the
 * schema itself (`arbitraryOf`), but for those that depend on others.
 */
import fc from "fast-check";
import { tenant as tenantSchema } from "../../tools/api/tenant.ts";
import { arbitraryAccessLog } from "./access-log-arbitrary.ts";
import { arbitraryBudget } from "./budget-arbitrary.ts";
import { arbitraryCredential, sha256, taskPattern } from "./credential-arbitrary.ts";
import { arbitraryIssuer } from "./issuer-arbitraries.ts";
import { ABSENT, arbitraryOf } from "./schema-arbitrary.ts";
import { arbitraryTask } from "./task-arbitrary.ts";

type Json = Record<string, unknown>;

/** A Tenant and its ModelTasks, as a file has them. */
export interface Written {
  tenant: Json & { spec: Json };
  tasks: (Json & { spec: Json })[];
}

const apiVersion = "modelgate.dev/v1alpha1";
const header = fc.constantFrom("x-key", "x-b", "authorization", "x-api-key", "api_key", "x!#$%&'*+.^_`|~-");

const spec = arbitraryOf(tenantSchema.shape.spec, "spec", {
  "spec.namespaces": fc.constant(["search"]),
  "spec.gateway.name": fc.constant("gateway"),
  "spec.gateway.namespace": fc.constant("search"),
  "spec.gateway.tuning.accessLog": arbitraryAccessLog,
  "spec.budgets": ABSENT,
  "spec.credentials": ABSENT,
  "spec.jwtIssuers": ABSENT,
  "spec.priorities": ABSENT,
  "spec.apiKey.headers": fc.uniqueArray(header, { minLength: 1, maxLength: 4 }),
  "spec.tenantHeader": fc.constantFrom("x-tenant", "x-modelgate-tenant"),
  "spec.revoked": fc
    .uniqueArray(fc.nat(5), { maxLength: 3 })
    .map((list) => list.map((each) => sha256(`${each}`))),
  "spec.tasks[].task": taskPattern,
  "spec.publicPaths[].task": fc.constant("t0"),
}) as fc.Arbitrary<Json>;

const priorities = fc
  .record({
    shares: fc.array(fc.constantFrom(0, 0.1, 12.5, 100 / 9, 33.3, 1e-7), { minLength: 1, maxLength: 3 }),
    hasDefault: fc.boolean(),
    header: fc.option(fc.constantFrom("x-priority", "priority"), { nil: undefined }),
  })
  .map(({ shares, hasDefault, header }) => ({
    classes: shares.map((reservedPercent, index) => ({ name: `c${index}`, reservedPercent })),
    ...(hasDefault && { default: `c${shares.length - 1}` }),
    ...(header !== undefined && { header }),
  }));

const tenant = fc
  .record({
    spec,
    issuers: fc.array(arbitraryIssuer, { maxLength: 2 }),
    credentials: fc.array(arbitraryCredential, { maxLength: 4 }),
    priorities: fc.option(priorities, { nil: undefined }),
  })
  .map(({ spec, issuers, credentials, priorities }) => {
    const jwtIssuers = issuers.map((each, index) => ({ ...each, issuer: `https://i${index}.example` }));
    const names = jwtIssuers.map(({ issuer }) => issuer);
    const classes = priorities?.classes.map(({ name }) => name) ?? [];
    return {
      ...{ apiVersion, kind: "Tenant", metadata: { name: "search" } },
      spec: {
        ...{ ...spec, jwtIssuers },
        credentials: credentials.map((make, index) => make(index, names, classes)),
        ...(priorities && { priorities }),
      },
    };
  });

const tasks = fc.array(arbitraryTask, { maxLength: 3 }).map((specs) =>
  specs.map((spec, index) => ({
    ...{ apiVersion, kind: "ModelTask", metadata: { name: `t${index}`, namespace: "search" } },
    spec: { taskid: `t${index}`, tenant: "search", ...spec },
  })),
);

/** The resources with exempt credentials that the tenant has, where it has some. */
function withKnownExempt<T>(value: T, credentials: string[]): T {
  if (Array.isArray(value)) return value.map((each) => withKnownExempt(each, credentials)) as T;
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => {
    if (key !== "exempt" || !each?.credentials) return [key, withKnownExempt(each, credentials)];
    return [key, { ...each, credentials: credentials.slice(0, each.credentials.length) }];
  });
  return Object.fromEntries(entries) as T;
}

/** A Tenant with up to three tasks, public paths of the first of them, and a budget for what there is. */
export const arbitraryResources: fc.Arbitrary<Written> = fc
  .record({ tenant, tasks, budgets: fc.array(arbitraryBudget, { maxLength: 1 }) })
  .map(({ tenant, tasks, budgets }) => {
    const { publicPaths, ...spec } = tenant.spec as Json & { publicPaths?: object[] };
    const paths = publicPaths?.filter((each) => tasks.length > 0 || !("task" in each));
    const known = {
      credentials: tenant.spec.credentials.map(({ id }) => id as string),
      tasks: tasks.map(({ spec: { taskid } }) => taskid),
      classes: tenant.spec.priorities?.classes.map(({ name }) => name) ?? [],
    };
    const own = budgets.map((make, index) => make(index, known));
    const resources = {
      tasks,
      tenant: {
        ...tenant,
        spec: { ...spec, ...(paths && { publicPaths: paths }), ...(own.length > 0 && { budgets: own }) },
      },
    };
    return withKnownExempt(resources, known.credentials);
  });
