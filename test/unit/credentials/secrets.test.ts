import { expect, it } from "vitest";
import { byKind } from "../../../tools/api/cross-check.ts";
import type { InvalidResources } from "../../../tools/api/fault.ts";
import { parseResources } from "../../../tools/api/load.ts";
import {
  requireKeys,
  requireSecrets,
  type Secrets,
  secretsOfCluster,
} from "../../../tools/cluster/deploy/secrets.ts";
import { pluginConfig } from "../../../tools/cluster/istio/plugin-config.ts";
import { ApiError } from "../../../tools/lib/kubernetes/api-error.ts";
import type { KubernetesClient } from "../../../tools/lib/kubernetes/client.ts";
import type { Manifest } from "../../../tools/lib/kubernetes/manifest.ts";

const TENANT = `apiVersion: modelgate.dev/v1alpha1
kind: Tenant
metadata: { name: search }
spec:
  namespaces: [models]
  gateway:
    name: gw
    namespace: edge
    hosts: ["*.search.example"]
    deployment: {}
    tuning:
      accessLog:
        collector:
          tokenSecret: senders
`;

const SEALING_KEY = new Map([["edge/gw-sealing-key", new Map([["key", Buffer.from("5e".repeat(32))]])]]);

function faultsWith(values?: Record<string, string>): string[] {
  const { tenants } = byKind(parseResources([{ file: "f.yaml", text: TENANT }]).resources);
  const held = new Map(
    Object.entries(values ?? {}).map(([key, value]): [string, Uint8Array] => [key, Buffer.from(value)]),
  );
  try {
    requireSecrets(
      tenants,
      [],
      new Map([...SEALING_KEY, ...(values ? [["edge/senders", held] as const] : [])]),
      "make it",
    );
    return [];
  } catch (error) {
    return (error as InvalidResources).message.split("\n  ").slice(1);
  }
}

it("no credential waits for a token for the collector", () => {
  const { tenants } = byKind(parseResources([{ file: "f.yaml", text: TENANT }]).resources);
  expect(requireKeys(tenants, [], new Map(), "make it")("edge", "senders", "token")).toBeUndefined();
});

it("a token for the collector is taken", () => {
  expect(faultsWith({ token: "abc.DEF-1_2~3+4/5==\n" })).toEqual([]);
});

it.each([
  [undefined, "Secret edge/senders is not known: make it"],
  [{ tokens: "x" }, "Secret edge/senders: its key token is missing"],
  [
    { token: "to ken" },
    "Secret edge/senders: its key token holds no token: letters, digits and -._~+/ make one",
  ],
  [{ token: "" }, "Secret edge/senders: its key token holds no token: letters, digits and -._~+/ make one"],
])("a token for the collector is not %j", (values, message) => {
  expect(faultsWith(values)).toEqual([
    `f.yaml:14: Tenant/search: spec.gateway.tuning.accessLog.collector.tokenSecret: ${message}`,
  ]);
});

const TOKEN = new Map([["edge/senders", new Map([["token", Buffer.from("abc")]])]]);

it.each<[string, string, Secrets, string]>([
  [
    "pods that are somebody else's, and no key",
    TENANT.replace("    deployment: {}\n", ""),
    TOKEN,
    "f.yaml:13: Tenant/search: spec.gateway.tuning.accessLog.collector.tokenSecret: the token for the collector would stand in the WasmPlugin in clear",
  ],
  [
    "a key that is not there",
    TENANT,
    TOKEN,
    "f.yaml:14: Tenant/search: spec.gateway.tuning.accessLog.collector.tokenSecret: Secret edge/gw-sealing-key with the sealing key (key) is not known: make it",
  ],
  [
    "a key that is none",
    TENANT.replace("deployment: {}", "sealingKey: { name: own }"),
    new Map([...TOKEN, ["edge/own", new Map([["key", Buffer.from("short")]])]]),
    "f.yaml:10: Tenant/search: spec.gateway.sealingKey: Secret edge/own: key must hold 64 hexadecimal digits",
  ],
])("no secret in clear: %s", (_what, text, secrets, message) => {
  const { tenants } = byKind(parseResources([{ file: "f.yaml", text }]).resources);
  expect(() => requireSecrets(tenants, [], secrets, "make it")).toThrow(message);
});

it("of Secrets that may not be read, the first is named, whichever answer comes first", async () => {
  const { tenants } = byKind(parseResources([{ file: "f.yaml", text: TENANT }]).resources);
  const asked: { name: string; refuse: () => void }[] = [];
  const get = ({ metadata: { name } }: Manifest) =>
    new Promise((_, reject) => {
      const refuse = () => reject(new ApiError(403, { message: `secrets "${name}" is forbidden` }));
      asked.push({ name, refuse });
    });
  const answer = secretsOfCluster(
    { get } as unknown as KubernetesClient,
    tenants.map(({ resource }) => resource),
    [],
    ["limits"],
  );
  const refused = expect(answer).rejects.toThrow(/^Secret edge\/senders: .*modelgate-secret-reader/);
  expect(asked.map(({ name }) => name)).toEqual(["senders", "gw-sealing-key", "limits"]);
  for (const { refuse } of asked.reverse()) {
    refuse();
    await new Promise(setImmediate);
  }
  await refused;
});

const TASK = `---
apiVersion: modelgate.dev/v1alpha1
kind: ModelTask
metadata: { name: llm, namespace: search }
spec:
  taskid: llm
  tenant: search
  service: { name: llm }
  protocol: openai
  openai: { apiKeySecret: { name: server, key: key } }
`;
const WITHOUT_LOG = TENANT.replace(/^ +tuning:.*\n(?: {6,}.*\n)*/m, "");

it.each<[string, string, Record<string, string>, string | undefined]>([
  ["is sealed", WITHOUT_LOG, { key: "sk-1" }, undefined],
  [
    "must be known",
    WITHOUT_LOG,
    {},
    'ModelTask/llm: spec.openai.apiKeySecret: Secret edge/server, key "key", is not known: make it',
  ],
  [
    "can't break a header",
    WITHOUT_LOG,
    { key: "sk-1\n" },
    "Secret edge/server: key holds no key: letters, digits and -._~+/ make one, without a line break",
  ],
  [
    "never stands in clear",
    WITHOUT_LOG.replace("deployment: {}", "port: 80"),
    { key: "sk-1" },
    "the key of the model server of task llm would stand in the WasmPlugin in clear",
  ],
])("a model server's key %s", (_what, text, held, message) => {
  const { tenants, tasks } = byKind(parseResources([{ file: "f.yaml", text: text + TASK }]).resources);
  const values = Object.entries(held).map(([key, value]): [string, Uint8Array] => [key, Buffer.from(value)]);
  const secrets = new Map([...SEALING_KEY, ["edge/server", new Map(values)] as const]);
  const taken = () => requireSecrets(tenants, tasks, secrets, "make it");
  if (message) {
    expect(taken).toThrow(message);
    return;
  }
  const [tenant] = tenants;
  if (!tenant) throw new Error("no Tenant");
  const { tenantAuth } = pluginConfig(
    tenant.resource,
    tasks.map(({ resource }) => resource),
    taken(),
  );
  const [model] = tenantAuth.languageModels ?? [];
  expect(JSON.stringify(tenantAuth)).not.toContain("sk-1");
  expect(model?.sealedApiKey).toMatch(/^[0-9a-f]{64}$/);
});
