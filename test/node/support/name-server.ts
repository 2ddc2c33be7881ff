import { createSocket, type Socket } from "node:dgram";
import type { KubernetesClient } from "../../../tools/lib/kubernetes/client.ts";
import type { Manifest } from "../../../tools/lib/kubernetes/manifest.ts";
import { NODE_IP, NODE_NAME, REGISTRY_HOST } from "./addresses.ts";

const TTL_SECONDS = 2;
const HEADER_BYTES = 12;
const TYPE_A = 1;
/** Flags of an answer (RFC 1035, 4.1.1): response, authoritative, recursion desired and available. */
const ANSWER = 0x8580;
const NO_SUCH_NAME = 3;
const OWN_NAMES = new Map([
  [NODE_NAME, NODE_IP],
  [REGISTRY_HOST, NODE_IP],
]);

interface ServiceManifest extends Manifest {
  spec: { clusterIP?: string };
}

/**
 * A name server for the pods and the node: addresses of Services, of the node and of its registry. It stands
 * in for CoreDNS, which no test is about and which takes minutes to build. Headless Services have no address.
 */
export async function startNameServer(client: KubernetesClient): Promise<Socket> {
  const names = async () => {
    const services = (await client.list("v1", "Service")) as ServiceManifest[];
    const all = new Map(OWN_NAMES);
    for (const { metadata, spec } of services)
      all.set(`${metadata.name}.${metadata.namespace}.svc.cluster.local`, spec.clusterIP ?? "");
    return all;
  };
  const socket = createSocket("udp4");
  socket.on("message", (query, { port, address }) => {
    names().then(
      (known) => socket.send(answerTo(query, known), port, address),
      () => undefined, // The resolver asks again.
    );
  });
  await new Promise<void>((resolve) => socket.bind(53, NODE_IP, resolve));
  return socket;
}

/** @param query one question (RFC 1035) */
function answerTo(query: Buffer, addresses: Map<string, string>): Buffer {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length).toLowerCase());
    at += 1 + length;
  }
  const end = at + 5;
  const address = addresses.get(labels.join("."));
  const found = address !== undefined && /^\d/.test(address) && query.readUInt16BE(at + 1) === TYPE_A;
  const header = Buffer.alloc(HEADER_BYTES);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(address === undefined ? ANSWER | NO_SUCH_NAME : ANSWER, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(found ? 1 : 0, 6);
  const question = query.subarray(HEADER_BYTES, end);
  if (!found) return Buffer.concat([header, question]);
  // The name by a pointer to the question, class IN.
  const record = Buffer.from([0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, TTL_SECONDS, 0, 4]);
  return Buffer.concat([header, question, record, Buffer.from(address.split(".").map(Number))]);
}
