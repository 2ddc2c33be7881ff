import { KubeConfig } from "@kubernetes/client-node";
import { expect, it } from "vitest";
import { KubernetesClient } from "../../tools/lib/kubernetes/client.ts";
import { NODE_NAME } from "./support/addresses.ts";

const config = new KubeConfig();
config.loadFromDefault();
const client = new KubernetesClient(config);

it("has a node whose kubelet is of the pinned version", async () => {
  const node = await client.get({ apiVersion: "v1", kind: "Node", metadata: { name: NODE_NAME } });
  expect(node.status).toMatchObject({ nodeInfo: { kubeletVersion: "v1.36.3" } });
});
