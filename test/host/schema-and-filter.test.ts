/** Schema and cross-checks take what the filter takes. `npm run test:oracle`: 100,000 cases. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { byKind, crossFaults, type Resources } from "../../tools/api/cross-check.ts";
import { type Fault, formatPath } from "../../tools/api/fault.ts";
import { issueMessage } from "../../tools/api/issue-message.ts";
import { KINDS, type Kind } from "../../tools/api/kinds.ts";
import type { Loaded } from "../../tools/api/load.ts";
import { pluginConfig } from "../../tools/cluster/istio/plugin-config.ts";
import { Filter } from "../../tools/cluster/oracle/filter.ts";
import { placeholderSecrets } from "../../tools/cluster/oracle/filter-faults.ts";
import { arbitraryResources, type Written } from "../support/resource-arbitraries.ts";
import { arbitraryEdit, edit, placeOf } from "../support/resource-edits.ts";
import { ruleOfSchemaAlone } from "../support/rules-of-schema-alone.ts";

const isLane = process.env.MODELGATE_ORACLE_CASES !== undefined;
const CASES = Number(process.env.MODELGATE_ORACLE_CASES ?? 500);
/** Of the cases, those that schema and cross-checks must take at least, or the test says little. */
const ACCEPTED_SHARE = 0.6;
const filter = new Filter();

/** @returns what is wrong by schema and cross-checks, and the resources when the schema takes them */
function check({ tenant, tasks }: Written): { faults: Fault[]; resources: Resources } {
  const faults: Fault[] = [];
  const loaded = [tenant, ...tasks].flatMap((object): Loaded[] => {
    const resource = `${object.kind}/${(object.metadata as { name: string }).name}`;
    const fault = (path: PropertyKey[], message: string): Fault => ({
      ...{ file: "a.yaml", line: 1, resource, path, message },
    });
    const parsed = KINDS[object.kind as Kind].schema.safeParse(object, {
      ...{ error: issueMessage, reportInput: true },
    });
    if (parsed.success) return [{ resource: parsed.data, fault }];
    faults.push(...parsed.error.issues.map(({ path, message }) => fault(path, message)));
    return [];
  });
  const resources = byKind(loaded);
  return { resources, faults: faults.length > 0 ? faults : crossFaults(resources) };
}

/** The plug-in configuration; undefined where none can be made. */
function render({ tenants, tasks }: Resources): object | undefined {
  const [tenant] = tenants;
  if (!tenant) return undefined;
  try {
    return pluginConfig(
      tenant.resource,
      tasks.map(({ resource }) => resource),
      placeholderSecrets,
    );
  } catch {
    return undefined;
  }
}

const refusals = (configuration: object | undefined) =>
  configuration &&
  filter.refusals(configuration).map(({ path, message }) => `${formatPath(path)}: ${message}`);

it("schema and filter agree on any resources, and on any with a mistake", () => {
  const seen = { accepted: 0, refused: 0, notShown: 0, notRendered: 0, byRule: 0, cases: 0 };
  const property = fc.property(
    arbitraryResources,
    fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 4, arbitrary: arbitraryEdit }),
    (written, mistake) => {
      seen.cases++;
      const base = mistake && check(written);
      const path = mistake && placeOf(written, mistake);
      const edited = structuredClone(written);
      if (mistake && path) edit(edited, path, mistake.change);
      const { faults, resources } = check(edited);
      if (faults.length === 0) {
        seen.accepted++;
        expect(refusals(render(resources))).toEqual([]);
        return;
      }
      // Without the mistake it passes, so that the mistake can be made in what the schema made of it.
      if (!base || !mistake || !path || base.faults.length > 0) return;
      const [tenant] = base.resources.tenants;
      const target = {
        tenant: tenant?.resource,
        tasks: base.resources.tasks.map(({ resource }) => resource),
      };
      const before = JSON.stringify(render(base.resources));
      if (!edit(target, path, mistake.change)) return;
      const after = render(base.resources);
      const said = refusals(after);
      if (said === undefined) seen.notRendered++;
      else if (said.length > 0) seen.refused++;
      else if (JSON.stringify(after) === before) seen.notShown++;
      else {
        const own = faults.filter((fault) => ruleOfSchemaAlone(fault) === undefined);
        const shown = own.map((fault) => `${formatPath(fault.path)}: ${fault.message}`);
        expect(shown, `the filter takes ${JSON.stringify(mistake.change)}`).toEqual([]);
        seen.byRule++;
      }
    },
  );
  try {
    // The lane draws anew each time; the same few cases in each run of all tests.
    fc.assert(property, { numRuns: CASES, ...(!isLane && { seed: 1 }) });
  } finally {
    if (isLane) console.log(seen);
  }
  expect(seen.accepted / seen.cases).toBeGreaterThan(ACCEPTED_SHARE);
}, 3_600_000);
