import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";

/** What the product's own pods, images and chart may do: little. */

interface PodSpec {
  automountServiceAccountToken?: boolean;
  hostNetwork?: boolean;
  hostPID?: boolean;
  securityContext?: Record<string, unknown>;
  containers: { securityContext?: Record<string, unknown> }[];
  volumes?: Record<string, unknown>[];
}

const WORKLOADS = ["manifests/controller/deployment.yaml", "manifests/collector/statefulset.yaml"];

it.each(WORKLOADS)("pods of %s run without rights, on a system that they can't write to", (file) => {
  const specs = parseAllDocuments(readFileSync(file, "utf8"))
    .map((each) => each.toJS() as { kind: string; spec: { template: { spec: PodSpec } } })
    .filter(({ kind }) => ["Deployment", "StatefulSet"].includes(kind))
    .map(({ spec }) => spec.template.spec);
  expect(specs).toHaveLength(1);
  for (const { securityContext, containers, volumes = [], hostNetwork, hostPID } of specs) {
    expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
    expect(securityContext?.runAsUser).toBeGreaterThan(1000);
    expect([hostNetwork, hostPID]).toEqual([undefined, undefined]);
    expect(volumes.filter((volume) => "hostPath" in volume)).toEqual([]);
    for (const container of containers)
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
  }
});

it("images begin with nothing, and what runs in them is no root", () => {
  const stages = readFileSync("manifests/controller/Dockerfile", "utf8").split(/^(?=FROM )/m);
  const bases = new Map(
    stages.flatMap((stage) => {
      const [, base = "", name = ""] = /^FROM (\S+) AS (\S+)/.exec(stage) ?? [];
      return name === "" ? [] : [[name, { base, stage }] as const];
    }),
  );
  for (const target of ["controller", "collector"]) {
    const { base, stage = "" } = bases.get(target) ?? {};
    expect(base).toBe("command");
    expect(stage).not.toMatch(/^(RUN|USER|ADD) /m);
  }
  const { base, stage = "" } = bases.get("command") ?? {};
  expect(base).toBe("scratch");
  expect(stage).toMatch(/^USER 10001:10001$/m);
  expect(stage).not.toMatch(/^(RUN|ADD) /m);
});

describe("values of the chart", () => {
  const schema = JSON.parse(readFileSync("manifests/chart/values.schema.json", "utf8"));
  const values = () => parse(readFileSync("manifests/chart/values.yaml", "utf8"));
  const takes = new Ajv({ strict: false }).compile(schema);

  /** Each object of the defaults whose fields the chart itself reads. */
  function objects(value: object, path: string[] = []): string[][] {
    return Object.entries(value).flatMap(([name, field]) =>
      typeof field === "object" && field !== null && !Array.isArray(field) && Object.keys(field).length > 0
        ? [[...path, name], ...objects(field, [...path, name])]
        : [],
    );
  }
  const own = objects(values()).filter((path) => !path.includes("resources"));

  it("are those of the schema", () => {
    expect(takes(values()), JSON.stringify(takes.errors)).toBe(true);
    expect(own.length).toBeGreaterThan(5);
  });

  it.each([[[]], ...own.map((path) => [path])])("a misspelt one in %j is refused", (path) => {
    const changed = values();
    const at = (path as string[]).reduce((object, name) => object[name], changed);
    at.misspelt = true;
    expect(takes(changed)).toBe(false);
  });

  it("keep others out unless they are told otherwise", () => {
    const { networkPolicy, admissionPolicy } = values();
    expect(networkPolicy).toMatchObject({ enabled: true, readers: [] });
    expect(admissionPolicy).toEqual({ enabled: true });
  });
});
