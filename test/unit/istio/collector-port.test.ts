import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { accessLogSettings } from "../../../tools/api/access-log-settings.ts";
import { readKustomization } from "../../../tools/cluster/install/read-kustomization.ts";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";
import type { Manifest } from "../../../tools/lib/kubernetes/manifest.ts";

interface Policy {
  ingress: { from: { namespaceSelector?: object }[]; ports: { port: number }[] }[];
}

it("gateways send to the port of the collector that is open to every namespace", async () => {
  const objects = await readKustomization(fileURLToPath(new URL("manifests/collector", PROJECT_ROOT)));
  const find = (kind: string) => objects.find((object) => object.kind === kind) as Manifest;
  const { collector } = accessLogSettings.parse({ collector: {} });
  expect(find("Service").metadata).toMatchObject({
    name: collector?.service,
    namespace: collector?.namespace,
  });
  const { ingress } = find("NetworkPolicy").spec as Policy;
  const open = ingress.filter(({ from }) => from.some(({ namespaceSelector }) => namespaceSelector));
  expect(open.flatMap(({ ports }) => ports.map(({ port }) => port))).toEqual([collector?.port]);
});
