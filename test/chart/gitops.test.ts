import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { cachePath, PROJECT_ROOT } from "../../tools/lib/installation.ts";

const read = (path: string) =>
  parseAllDocuments(readFileSync(new URL(`manifests/gitops/${path}`, PROJECT_ROOT), "utf8")).map((each) =>
    each.toJS(),
  );
const [{ spec }] = read("flux/tenants.yaml");
const [{ data }] = read("argo-cd/health.yaml");
const program = cachePath("chart/health");

/** A status as the controller writes it (tools/servers/operator/status.ts). */
function ready(status: string, reason: string, observedGeneration = 3) {
  const message = "what it says";
  const lastTransitionTime = "2026-11-30T12:00:00Z";
  const condition = { type: "Ready", status, reason, message, observedGeneration, lastTransitionTime };
  return { observedGeneration, conditions: [condition] };
}

const CASES: [what: string, status: object | undefined, flux: string, argo: string][] = [
  ["applied", ready("True", "Applied"), "Current", "Healthy"],
  ["refused", ready("False", "Invalid"), "Failed", "Degraded"],
  ["held because of another", ready("False", "Held"), "Failed", "Degraded"],
  ["refused by the API server, tried again", ready("False", "ApplyFailed"), "InProgress", "Progressing"],
  ["waiting for pods", ready("False", "GatewayUnavailable"), "InProgress", "Progressing"],
  ["applied in a former generation", ready("True", "Applied", 2), "InProgress", "Progressing"],
  ["refused in a former generation", ready("False", "Invalid", 2), "InProgress", "Progressing"],
  ["not looked at yet", undefined, "Unknown", "Progressing"],
  ["with an empty status", {}, "Unknown", "Progressing"],
  ["without conditions", { observedGeneration: 3, conditions: [] }, "InProgress", "Progressing"],
];

it.each(["Tenant", "ModelTask"])("Flux and Argo CD see how a %s is", (kind) => {
  const apiVersion = "modelgate.dev/v1alpha1";
  const cwd = fileURLToPath(new URL("health", import.meta.url));
  execFileSync("go", ["build", "-mod=readonly", "-o", program, "."], { cwd, stdio: "inherit" });
  const { inProgress, failed, current } = spec.healthCheckExprs.find(
    (each: { kind: string; apiVersion: string }) => each.kind === kind && each.apiVersion === apiVersion,
  );
  const input = {
    objects: CASES.map(([, status]) => ({
      ...{ apiVersion, kind, metadata: { name: "a", generation: 3 }, spec: {} },
      ...(status && { status }),
    })),
    cel: { inProgress, failed, current },
    lua: data[`resource.customizations.health.modelgate.dev_${kind}`],
  };
  const answers = JSON.parse(execFileSync(program, { input: JSON.stringify(input), encoding: "utf8" }));
  expect(
    answers.map(({ flux, argo }: Record<string, string>, i: number) => [CASES[i]?.[0], flux, argo]),
  ).toEqual(CASES.map(([what, , flux, argo]) => [what, flux, argo]));
});

it("the examples give the chart values that it takes", async () => {
  const [, , release] = read("flux/modelgate.yaml");
  const [application] = read("argo-cd/modelgate.yaml");
  const { values } = release.spec;
  expect(application.spec.source.helm.valuesObject).toEqual(values);
});
