/** The property that schema and cross-checks take what the filter takes. */
import fc from "fast-check";
import { expect } from "vitest";
import { byKind, crossFaults, type Resources } from "../../tools/api/cross-check.ts";
import { type Fault, formatPath } from "../../tools/api/fault.ts";
import { issueMessage } from "../../tools/api/issue-message.ts";
import { KINDS, type Kind } from "../../tools/api/kinds.ts";
import type { Loaded } from "../../tools/api/load.ts";
import { pluginConfig } from "../../tools/cluster/istio/plugin-config.ts";
import { renderAll } from "../../tools/cluster/istio/render.ts";
import { Filter } from "../../tools/cluster/oracle/filter.ts";
import { placeholderSecrets } from "../../tools/cluster/oracle/filter-faults.ts";
import { parseReference } from "../../tools/lib/oci/reference.ts";
import { arbitraryResources, type Written } from "./resource-arbitraries.ts";
import { arbitraryEdit, CHANGES, type Edit, edit, placeOf, placesIn } from "./resource-edits.ts";
import { ruleOfSchemaAlone, type Said } from "./rules-of-schema-alone.ts";

/** Of the cases, those that schema and cross-checks must take at least, or the test says little. */
const ACCEPTED_SHARE = 0.5;
const IMAGE = parseReference(`oci://registry.example/gateway@sha256:${"a".repeat(64)}`);

/** How many cases ended how. */
interface Seen {
  cases: number;
  accepted: number;
  /** By schema and filter. */
  refused: number;
  /** By the schema, where nothing of it comes to the filter. */
  notShown: number;
  /** By the schema, where no configuration can be made. */
  notRendered: number;
  /** By the schema, for a reason of its own. */
  byRule: number;
}

interface Checked {
  faults: (Fault & Said)[];
  resources: Resources;
}

/** @returns what is wrong by schema and cross-checks, and the resources when the schema takes them */
function check({ tenant, tasks }: Written): Checked {
  const faults: Checked["faults"] = [];
  const loaded = [tenant, ...tasks].flatMap((object): Loaded[] => {
    const resource = `${object.kind}/${(object.metadata as { name: string }).name}`;
    const fault = (path: PropertyKey[], message: string): Fault => ({
      ...{ file: "a.yaml", line: 1, resource, path, message },
    });
    const parsed = KINDS[object.kind as Kind].schema.safeParse(object, {
      ...{ error: issueMessage, reportInput: true },
    });
    if (parsed.success) return [{ resource: parsed.data, fault }];
    const { issues } = parsed.error;
    const isOfType = (path: PropertyKey[]) =>
      issues.some((other) => other.code === "invalid_type" && formatPath(other.path) === formatPath(path));
    // zod says of "" in a list's place that it is short, too.
    for (const { path, message, code, input } of issues)
      if (code === "invalid_type" || !isOfType(path))
        faults.push({ ...fault(path, message), code: input === undefined ? "absent" : code });
    return [];
  });
  const resources = byKind(loaded);
  const crossed = faults.length > 0 ? [] : crossFaults(resources);
  return { resources, faults: [...faults, ...crossed.map((each) => ({ ...each, code: "custom" }))] };
}

/** The plug-in configuration; undefined where none can be made. */
function render({ tenants, tasks }: Resources): object | undefined {
  const [tenant] = tenants;
  try {
    const own = tasks.map(({ resource }) => resource);
    return tenant && pluginConfig(tenant.resource, own, placeholderSecrets);
  } catch {
    return undefined;
  }
}

class Agreement {
  readonly seen: Seen = { cases: 0, accepted: 0, refused: 0, notShown: 0, notRendered: 0, byRule: 0 };
  private readonly filter = new Filter();

  /** @throws Error of expect when schema and filter do not agree on the resources with the mistake */
  check(written: Written, mistake: Edit | undefined): void {
    if (mistake) {
      this.checkEdited(written, placeOf(written, mistake), mistake.change);
      return;
    }
    this.seen.cases++;
    const { faults, resources } = check(written);
    if (faults.length === 0) this.accept(resources);
  }

  /** As `check`, with the change at the path in the resources. */
  checkEdited(written: Written, path: PropertyKey[], change: Edit["change"]): void {
    this.seen.cases++;
    const edited = structuredClone(written);
    edit(edited, path, change);
    const { faults, resources } = check(edited);
    if (faults.length === 0) this.accept(resources);
    else this.refuse(written, path, change, faults);
  }

  private accept(resources: Resources): void {
    this.seen.accepted++;
    expect(this.refusals(render(resources))).toEqual([]);
    renderAll(
      resources.tenants.map(({ resource }) => resource),
      resources.tasks.map(({ resource }) => resource),
      { image: () => IMAGE, target: "istio", secrets: placeholderSecrets },
    );
  }

  private refuse(written: Written, path: PropertyKey[], change: Edit["change"], faults: Checked["faults"]) {
    const { seen } = this;
    const base = check(written);
    const [tenant] = base.resources.tenants;
    // Without the mistake it passes, so that the mistake can be made in what the schema made of it.
    if (!tenant || base.faults.length > 0) return;
    const before = JSON.stringify(render(base.resources));
    const target = { tenant: tenant.resource, tasks: base.resources.tasks.map(({ resource }) => resource) };
    if (!edit(target, path, change)) return;
    const after = render(base.resources);
    if (after === undefined) seen.notRendered++;
    else if (this.refusals(after).length > 0) seen.refused++;
    else if (JSON.stringify(after) === before) seen.notShown++;
    else {
      const own = faults.filter((fault) => ruleOfSchemaAlone(fault) === undefined);
      const shown = own.map((fault) => `${formatPath(fault.path)}: ${fault.message} (${fault.code})`);
      expect(shown, `the filter takes ${JSON.stringify(change)}`).toEqual([]);
      seen.byRule++;
    }
  }

  private refusals(configuration: object | undefined): string[] {
    if (!configuration) return ["no plug-in configuration can be made"];
    return this.filter.refusals(configuration).map(({ path, message }) => `${formatPath(path)}: ${message}`);
  }
}

/**
 * Each field of drawn resources with each mistake, a field only the first time that it comes.
 * @param count how many resources are drawn
 * @returns how many cases ended how. @throws Error with the seed and all disagreements
 */
export function checkEachField(count: number): Seen {
  const { seed = Date.now() | 0 } = fc.readConfigureGlobal();
  const agreement = new Agreement();
  const fields = new Set<string>();
  const told: string[] = [];
  for (const written of fc.sample(arbitraryResources, { numRuns: count, seed })) {
    for (const path of placesIn(written)) {
      const field = formatPath(path).replaceAll(/\[\d+\]/g, "[]");
      if (fields.has(field)) continue;
      fields.add(field);
      for (const change of CHANGES) {
        try {
          agreement.checkEdited(written, path, change);
        } catch (error) {
          told.push(`${formatPath(path)}: ${(error as Error).message}`);
        }
      }
    }
  }
  if (told.length > 0) throw new Error(`seed ${seed}:\n${told.join("\n")}`);
  return agreement.seen;
}

/** @returns how many cases ended how. @throws Error with the seed and the smallest case of a disagreement */
export function checkAgreement(cases: number): Seen {
  const agreement = new Agreement();
  const mistakes = fc.oneof(
    { weight: 5, arbitrary: fc.constant(undefined) },
    { weight: 4, arbitrary: arbitraryEdit },
  );
  fc.assert(
    fc.property(arbitraryResources, mistakes, (written, mistake) => agreement.check(written, mistake)),
    { numRuns: cases },
  );
  expect(agreement.seen.accepted / agreement.seen.cases).toBeGreaterThan(ACCEPTED_SHARE);
  return agreement.seen;
}
