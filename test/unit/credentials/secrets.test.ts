import { expect, it } from "vitest";
import { byKind } from "../../../tools/api/cross-check.ts";
import type { InvalidResources } from "../../../tools/api/fault.ts";
import { parseResources } from "../../../tools/api/load.ts";
import { requireKeys, requireSecrets } from "../../../tools/cluster/deploy/secrets.ts";

const TENANT = `apiVersion: modelgate.dev/v1alpha1
kind: Tenant
metadata: { name: search }
spec:
  namespaces: [models]
  gateway:
    name: gw
    namespace: edge
    hosts: ["*.search.example"]
    tuning:
      accessLog:
        collector:
          tokenSecret: senders
`;

function faultsWith(values?: Record<string, string>): string[] {
  const { tenants } = byKind(parseResources([{ file: "f.yaml", text: TENANT }]).resources);
  const held = new Map(
    Object.entries(values ?? {}).map(([key, value]): [string, Uint8Array] => [key, Buffer.from(value)]),
  );
  try {
    requireSecrets(tenants, new Map(values && [["edge/senders", held]]), "make it");
    return [];
  } catch (error) {
    return (error as InvalidResources).message.split("\n  ").slice(1);
  }
}

it("no credential waits for a token for the collector", () => {
  const { tenants } = byKind(parseResources([{ file: "f.yaml", text: TENANT }]).resources);
  expect(requireKeys(tenants, new Map(), "make it")("edge", "senders", "token")).toBeUndefined();
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
    `f.yaml:13: Tenant/search: spec.gateway.tuning.accessLog.collector.tokenSecret: ${message}`,
  ]);
});
