import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readKustomization } from "../../tools/cluster/install/read-kustomization.ts";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import type { Manifest } from "../../tools/lib/kubernetes/manifest.ts";
import { byName, CHART, helm, IMAGE, objectsOf } from "../support/helm.ts";
import { missingPrograms } from "../support/registry.ts";

const NAMESPACE = "modelgate-system";
const MANIFESTS = fileURLToPath(new URL("manifests", PROJECT_ROOT));

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "modelgate-helm-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

async function template(...args: string[]): Promise<Manifest[]> {
  const rendered = await helm(home, ["template", "mg", CHART, "--namespace", NAMESPACE, ...IMAGE, ...args]);
  expect([rendered.code, rendered.code === 0 ? "" : rendered.stderr]).toEqual([0, ""]);
  return objectsOf(rendered.stdout);
}

/** What the chart is to be of a kustomization's objects. */
function asChart(objects: Manifest[]): Manifest[] {
  return structuredClone(objects)
    .filter(({ kind }) => kind !== "Namespace")
    .map((object) => {
      const spec = object.spec as { template?: { spec: { containers: { image: string }[] } } } | undefined;
      for (const container of spec?.template?.spec.containers ?? [])
        container.image = "registry.example/modelgate:0.1.0";
      if (object.kind === "CustomResourceDefinition")
        object.metadata.annotations = { "helm.sh/resource-policy": "keep" };
      return object;
    });
}

const kubectl = missingPrograms("kubectl").length === 0;
const kustomized = (folder: string): Manifest[] =>
  objectsOf(execFileSync("kubectl", ["kustomize", folder], { encoding: "utf8", maxBuffer: 2 ** 26 }));

describe("the chart's objects are those of the kustomization", () => {
  it("as modelgate install reads it", async () => {
    const expected = asChart(await readKustomization(MANIFESTS));
    expect(expected.length).toBeGreaterThan(20);
    expect(byName(await template())).toEqual(byName(expected));
  });

  it.skipIf(!kubectl)("as kubectl reads it", async () => {
    expect(byName(await template())).toEqual(byName(asChart(kustomized(MANIFESTS))));
  });

  it.skipIf(!kubectl)("with monitoring", async () => {
    const expected = asChart([...kustomized(MANIFESTS), ...kustomized(join(MANIFESTS, "monitoring"))]);
    const rendered = byName(await template("--set", "monitoring.enabled=true"));
    expect(Object.keys(rendered).sort()).toEqual(Object.keys(byName(expected)).sort());
    expect(rendered).toEqual(byName(expected));
  });

  it.skipIf(!kubectl)("with tokens of senders", async () => {
    const folder = await mkdtemp(join(MANIFESTS, ".tokens-"));
    try {
      await writeFile(
        join(folder, "kustomization.yaml"),
        "resources: [../collector]\ncomponents: [../collector/sender-tokens]\n",
      );
      const expected = byName(asChart(kustomized(folder)));
      const rendered = byName(
        await template("--set", "collector.senderTokensSecret=modelgate-collector-senders"),
      );
      const name = `StatefulSet ${NAMESPACE}/modelgate-collector`;
      expect(rendered[name]).toEqual(expected[name]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

it("is of the namespace of its release", async () => {
  const rendered = await template("--namespace", "elsewhere", "--set", "monitoring.enabled=true");
  expect(JSON.stringify(rendered)).not.toContain(NAMESPACE);
  expect(new Set(rendered.map(({ metadata }) => metadata.namespace))).toEqual(
    new Set(["elsewhere", undefined]),
  );
});

it.each([
  ["crds.install=false", /^CustomResourceDefinition /],
  ["admissionPolicy.enabled=false", /^ValidatingAdmissionPolicy/],
  ["networkPolicy.enabled=false", /^NetworkPolicy /],
  ["collector.enabled=false", /modelgate-collector$/],
  ["controller.reconcile=false", /modelgate-reconciler$/],
])("%s leaves out its objects alone", async (setting, gone) => {
  const all = Object.keys(byName(await template()));
  expect(all.filter((name) => gone.test(name))).not.toEqual([]);
  const left = Object.keys(byName(await template("--set", setting)));
  expect(left).toEqual(all.filter((name) => !gone.test(name)));
});

interface Pod {
  containers: { image: string; args: string[]; resources: object }[];
  [field: string]: unknown;
}

function podOf(objects: Manifest[], kind: string): Pod {
  const { spec } = objects.find((each) => each.kind === kind) as Manifest;
  return (spec as { template: { spec: Pod } }).template.spec;
}

it("values reach the pods", async () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const values = {
    imagePullSecrets: [{ name: "registry" }],
    controller: {
      ...{
        image: { digest },
        args: ["--image", "oci://registry.example/gateway"],
        reconcile: false,
        replicas: 3,
      },
      ...{ nodeSelector: { zone: "a" }, tolerations: [{ operator: "Exists" }], priorityClassName: "high" },
      resources: { limits: { memory: "1Gi" } },
    },
    collector: {
      ...{ image: { repository: "registry.example/collector", tag: "7" }, args: ["--kafka", "a:1"] },
      ...{ keepBytes: "1Gi", spoolBytes: "5Mi", storage: { size: "3Gi", className: "fast" } },
      affinity: { nodeAffinity: {} },
    },
    networkPolicy: {
      readers: [{ namespaceSelector: { matchLabels: { a: "b" } } }],
      collectorEgress: [{ ports: [{ port: 9092 }] }],
    },
  };
  const rendered = await template(
    ...Object.entries(values).flatMap(([name, value]) => ["--set-json", `${name}=${JSON.stringify(value)}`]),
    ...IMAGE,
  );
  const controller = podOf(rendered, "Deployment");
  expect(controller).toMatchObject({
    ...{ imagePullSecrets: [{ name: "registry" }], nodeSelector: { zone: "a" } },
    ...{ tolerations: [{ operator: "Exists" }], priorityClassName: "high" },
    containers: [
      {
        image: `registry.example/modelgate@${digest}`,
        args: ["controller", "--no-reconcile", "--image", "oci://registry.example/gateway"],
        resources: { limits: { memory: "1Gi" } },
      },
    ],
  });
  const collector = podOf(rendered, "StatefulSet");
  expect(collector).toMatchObject({
    ...{ imagePullSecrets: [{ name: "registry" }], affinity: { nodeAffinity: {} } },
    containers: [{ image: "registry.example/collector:7" }],
  });
  expect(collector.containers[0]?.args.slice(-4)).toEqual([
    ...["--keep-bytes=1Gi", "--spool-bytes=5Mi", "--kafka", "a:1"],
  ]);
  expect(rendered.find(({ kind }) => kind === "StatefulSet")).toMatchObject({
    spec: {
      volumeClaimTemplates: [
        { spec: { storageClassName: "fast", resources: { requests: { storage: "3Gi" } } } },
      ],
    },
  });
  const policy = byName(rendered)[`NetworkPolicy ${NAMESPACE}/modelgate-collector`] as Manifest;
  const { ingress, egress } = policy.spec as { ingress: object[]; egress: object[] };
  expect(ingress[1]).toMatchObject({ from: [{ podSelector: {} }, values.networkPolicy.readers[0]] });
  expect(egress.at(-1)).toEqual({ ports: [{ port: 9092 }] });
});

it.each([
  [["controller.replica=3"], "replica"],
  [["controller.replicas=many"], "/controller/replicas"],
  [["collector.keepBytes=14 GB"], "/collector/keepBytes"],
  [["controller.image.repository=registry.example/modelgate:1"], "/controller/image/repository"],
  [["monitoring.enabled=perhaps"], "/monitoring/enabled"],
])("refuses %j by the schema of values", async (settings, named) => {
  const args = settings.flatMap((each) => ["--set", each]);
  const { code, stderr } = await helm(home, ["template", CHART, ...IMAGE, ...args]);
  expect([code, stderr.replaceAll("'", "")]).toEqual([1, expect.stringContaining(named)]);
});

it("says which value is missing", async () => {
  const { code, stderr } = await helm(home, ["template", CHART]);
  expect([code, stderr]).toEqual([1, expect.stringContaining("controller.image.repository: name the image")]);
});

it("passes helm lint", async () => {
  const { code, stdout, stderr } = await helm(home, ["lint", "--strict", CHART, ...IMAGE]);
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  expect(stdout).toContain("1 chart(s) linted, 0 chart(s) failed");
});
