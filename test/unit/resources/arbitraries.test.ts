/** What property tests draw of Tenants and ModelTasks: every field of their schemas. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { KINDS } from "../../../tools/api/kinds.ts";
import { arbitraryResources } from "../../support/resource-arbitraries.ts";
import { schemaPaths, valuePaths } from "../../support/schema-paths.ts";

const MOST_CASES = 5000;
const AT_ONCE = 200;

it("draws each field of the schema and each word of an enumeration, in resources that the schema takes", () => {
  const missing = {
    Tenant: new Set(schemaPaths(KINDS.Tenant.schema.shape.spec, "spec")),
    ModelTask: new Set(schemaPaths(KINDS.ModelTask.schema.shape.spec, "spec")),
  };
  const isWhole = () => missing.Tenant.size + missing.ModelTask.size === 0;
  for (let cases = 0; cases < MOST_CASES && !isWhole(); cases += AT_ONCE)
    for (const { tenant, tasks } of fc.sample(arbitraryResources, AT_ONCE))
      for (const resource of [tenant, ...tasks]) {
        const kind = resource.kind as keyof typeof missing;
        if (!KINDS[kind].schema.safeParse(resource).success) continue;
        for (const path of valuePaths(resource.spec, "spec")) missing[kind].delete(path);
      }
  // See "A new field" in docs/develop/testing.md.
  expect({ Tenant: [...missing.Tenant], ModelTask: [...missing.ModelTask] }).toEqual({
    ...{ Tenant: [], ModelTask: [] },
  });
});
