import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { doctorCommand } from "../../../tools/cli/commands/doctor.ts";
import { clientOf } from "../../support/fake-api-server.ts";
import { runHere } from "../../support/modelgate.ts";

/** What a cluster answers, by path; a kind that is not there answers 404. */
let answers: Record<string, unknown>;
let forbidden: string[];
let server: Server;

const connected = vi.hoisted(() => ({ client: undefined as unknown }));
vi.mock("../../../tools/lib/kubernetes/connect.ts", async (original) => {
  const real = await original<typeof import("../../../tools/lib/kubernetes/connect.ts")>();
  return { ...real, connect: () => connected.client };
});

const kinds = (...names: string[]) => ({
  resources: names.map((kind) => ({ name: `${kind.toLowerCase()}s`, kind, namespaced: true })),
});
const list = (...items: object[]) => ({ metadata: {}, items });

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? "").split("?")[0] ?? "";
  const body = request.method === "POST" ? ((await json(request)) as Review) : undefined;
  const reply = body ? { status: { allowed: !forbidden.includes(nameOf(body)) } } : answers[path];
  const denied = forbidden.includes(path);
  response.writeHead(denied ? 403 : reply === undefined ? 404 : 200, { "content-type": "application/json" });
  response.end(JSON.stringify(denied ? { message: "forbidden" } : (reply ?? { message: "not found" })));
}

interface Review {
  spec: { resourceAttributes: { verb: string; resource: string } };
}
const nameOf = ({ spec: { resourceAttributes } }: Review) =>
  `${resourceAttributes.verb} ${resourceAttributes.resource}`;

beforeEach(async () => {
  forbidden = [];
  const istiod = {
    metadata: { name: "istiod", namespace: "istio-system" },
    spec: {
      template: { spec: { containers: [{ name: "discovery", image: "registry.example/pilot:1.28.1" }] } },
    },
    status: { availableReplicas: 2 },
  };
  const standard = {
    metadata: { name: "fast", annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
  };
  answers = {
    "/version": { minor: "36", gitVersion: "v1.36.3" },
    "/apis/apps/v1": kinds("Deployment"),
    "/apis/apps/v1/deployments": list(istiod),
    "/apis/storage.k8s.io/v1": { resources: [{ name: "storageclasses", kind: "StorageClass" }] },
    "/apis/storage.k8s.io/v1/storageclasses": list(standard),
    "/apis/networking.istio.io/v1": kinds("Gateway", "VirtualService", "DestinationRule"),
    "/apis/networking.istio.io/v1alpha3": kinds("EnvoyFilter"),
    "/apis/extensions.istio.io/v1alpha1": kinds("WasmPlugin"),
    "/apis/gateway.networking.k8s.io/v1": kinds("Gateway", "HTTPRoute", "GRPCRoute"),
    "/apis/modelgate.dev/v1alpha1": kinds("Tenant", "ModelTask"),
    "/apis/modelgate.dev/v1alpha1/tenants": list(),
    "/apis/modelgate.dev/v1alpha1/modeltasks": list(),
  };
  server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  connected.client = clientOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function doctor(): Promise<{ code: number; found: Record<string, [state: string, says: string]> }> {
  const { code, stdout } = await runHere(doctorCommand(), ["-o", "json"]);
  const { findings } = JSON.parse(stdout) as { findings: { check: string; state: string; says: string }[] };
  return {
    code,
    found: Object.fromEntries(findings.map(({ check, state, says }) => [check, [state, says]])),
  };
}

it("a good cluster passes, and what can't be looked at yet is unknown", async () => {
  const { code, found } = await doctor();
  expect(code).toBe(0);
  expect(found).toMatchObject({
    Kubernetes: ["ok", "v1.36.3"],
    istiod: ["ok", "istio-system/istiod, Istio 1.28.1, 2 pods available"],
    "Istio's kinds": ["ok", "all are served"],
    "Modelgate's kinds": ["ok", "all are served"],
    "Gateway API": ["ok", "all are served"],
    storage: ["ok", "StorageClass fast is the default"],
    gateways: ["unknown", expect.stringContaining("there is no Tenant yet")],
  });
  expect(found["your rights"]?.[0]).toBe("ok");
});

it.each<[string, () => void, string, string, RegExp, number]>([
  [
    "an old Kubernetes",
    () => set("/version", { minor: "29+", gitVersion: "v1.29.1" }),
    "Kubernetes",
    "failed",
    /^v1\.29\.1: upgrade to 1\.30/,
    1,
  ],
  ["no istiod", () => set("/apis/apps/v1/deployments", list()), "istiod", "failed", /install Istio/, 1],
  [
    "no WasmPlugin",
    () => set("/apis/extensions.istio.io/v1alpha1", undefined),
    "Istio's kinds",
    "failed",
    /WasmPlugin \(extensions/,
    1,
  ],
  [
    "no Gateway API",
    () => set("/apis/gateway.networking.k8s.io/v1", undefined),
    "Gateway API",
    "warning",
    /only --target gateway-api/,
    0,
  ],
  [
    "no default StorageClass",
    () => set("/apis/storage.k8s.io/v1/storageclasses", list()),
    "storage",
    "warning",
    /will be pending/,
    0,
  ],
  [
    "no right to patch",
    () => forbidden.push("patch wasmplugins"),
    "your rights",
    "failed",
    /wasmplugins\.extensions\.istio\.io \(patch\).*modelgate-deployer/,
    1,
  ],
  [
    "no right to look",
    () => forbidden.push("/apis/storage.k8s.io/v1/storageclasses"),
    "storage",
    "unknown",
    /you may not look/,
    0,
  ],
])("%s", async (_name, change, check, state, says, wanted) => {
  change();
  const { code, found } = await doctor();
  expect([code, found[check]]).toEqual([wanted, [state, expect.stringMatching(says)]]);
});

function set(path: string, value: unknown): void {
  answers[path] = value;
}
