import { readFile } from "node:fs/promises";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { modelTask } from "../../../tools/api/model-task.ts";
import { tenant as tenantSchema } from "../../../tools/api/tenant.ts";
import { renderAll, TARGETS } from "../../../tools/cluster/istio/render.ts";
import { parseReference } from "../../../tools/lib/oci/reference.ts";

/** Recorded by `node test/cluster/record-schemas.ts` from Istio's and the Gateway API's definitions. */
const schemas = JSON.parse(
  await readFile(new URL("../../fixtures/schemas.json", import.meta.url), "utf8"),
) as Record<string, object>;
const ajv = new Ajv({ strict: false, allErrors: true });
const apiVersion = "modelgate.dev/v1alpha1";
const IMAGE = parseReference(`oci://r.example/modelgate/gateway@sha256:${"a".repeat(64)}`);

const tenant = tenantSchema.parse({
  apiVersion,
  kind: "Tenant",
  metadata: { name: "search" },
  spec: {
    namespaces: ["models"],
    gateway: {
      name: "gw",
      namespace: "edge",
      hosts: ["*.search.example"],
      tls: { credentialName: "certificate" },
      filter: { pullSecret: "pull" },
      deployment: {},
    },
    credentials: [{ id: "a", sha256: "b".repeat(64) }],
    tasks: [{ task: "*" }],
    limits: { requestsPerSecond: 10 },
  },
});

/** Every field that a task can have. */
const task = modelTask.parse({
  apiVersion,
  kind: "ModelTask",
  metadata: { name: "ranking", namespace: "models" },
  spec: {
    taskid: "666",
    tenant: "search",
    service: { name: "service-666" },
    versions: [
      { name: "v1", weight: 90, labels: { app: "a", version: "v1" } },
      { name: "V.2", weight: 10, labels: { app: "a", version: "V.2" } },
    ],
    matches: [
      { header: "x-a", exact: "b", version: "v1" },
      { header: "x-c", prefix: "d", version: "v1" },
    ],
    mirror: { version: "V.2", percent: 5 },
    fault: { delay: { duration: "1s", percent: 1 }, abort: { status: 503, percent: 2 } },
    retries: { attempts: 3, perTryTimeout: "500ms" },
    outlierDetection: {},
    connectionPool: { maxConnections: 1, maxPendingRequests: 2, maxRequestsPerConnection: 3 },
    loadBalancing: { policy: "ROUND_ROBIN", locality: true },
  },
});

describe.each(TARGETS)("what is rendered for %s", (target) => {
  const manifests = renderAll([tenant], [task], { target, image: () => IMAGE, secrets: () => undefined });
  const known = manifests.filter(({ apiVersion, kind }) => `${apiVersion} ${kind}` in schemas);

  it("has kinds with a schema", () => {
    expect(known.length).toBeGreaterThan(3);
  });

  it.each(known.map((manifest) => [manifest.kind, manifest] as const))(
    "%s has the fields of its definition",
    (_kind, manifest) => {
      const validate = ajv.compile(schemas[`${manifest.apiVersion} ${manifest.kind}`] ?? {});
      validate(manifest.spec);
      expect(validate.errors).toBeNull();
    },
  );
});
