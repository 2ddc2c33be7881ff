import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:http2";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { generate } from "selfsigned";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clientCertificate } from "../../../tools/servers/controller/authenticate.ts";
import { type Controller, startController } from "../../../tools/servers/controller/controller.ts";
import { FileSource } from "../../../tools/servers/controller/file-source.ts";
import { REPORT_PATH } from "../../../tools/servers/controller/protocol.ts";
import { readTls, sameTls } from "../../../tools/servers/http/tls-files.ts";
import { FakeGatewayPod } from "../../support/fake-gateway-pod.ts";

const EXAMPLES = fileURLToPath(new URL("../../../manifests/examples/search", import.meta.url));

interface Pair {
  key: string;
  cert: string;
}

let ca: Pair;
let controller: Controller;

beforeAll(async () => {
  const made = await generate([{ name: "commonName", value: "test CA" }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [{ name: "basicConstraints", cA: true }],
  });
  ca = { key: made.private, cert: made.cert };
  controller = await startController({
    source: new FileSource([EXAMPLES], pino({ level: "silent" })),
    hold: 0,
    tls: await serverTls(),
    authenticate: clientCertificate,
  });
});

afterAll(() => controller?.stop());

async function signed(
  altName: { type: 6; value: string } | { type: 7; ip: string },
  by: Pair = ca,
): Promise<Pair> {
  const made = await generate([{ name: "commonName", value: "test" }], {
    keyType: "ec",
    algorithm: "sha256",
    ca: by,
    extensions: [{ name: "subjectAltName", altNames: [altName] }],
  });
  return { key: made.private, cert: made.cert };
}

async function serverTls() {
  const { key, cert } = await signed({ type: 7, ip: "127.0.0.1" });
  return { key: Buffer.from(key), cert: Buffer.from(cert), clientCa: Buffer.from(ca.cert) };
}

const spiffe = (namespace: string) => ({
  type: 6 as const,
  value: `spiffe://cluster.local/ns/${namespace}/sa/gateway`,
});

let pods = 0;

function reportOver(
  client: Partial<Pair>,
  url = controller.url,
): Promise<{ status: number | undefined; serial?: string }> {
  const pod = new FakeGatewayPod(`pod-${pods++}`, 1);
  return new Promise((resolve, reject) => {
    const sent = request(
      new URL(REPORT_PATH, url),
      {
        method: "POST",
        headers: { "content-type": "application/json" },
        ...{ ca: ca.cert, ...client, agent: new Agent() },
      },
      (response) => {
        const serial = (response.socket as import("node:tls").TLSSocket).getPeerCertificate().serialNumber;
        response.resume();
        resolve({ status: response.statusCode, serial });
      },
    );
    sent.once("error", reject);
    sent.end(pod.body());
  });
}

test("a certificate of the gateway's namespace may report, over HTTP/1.1 and HTTP/2", async () => {
  const client = await signed(spiffe("search-ingress"));
  expect(await reportOver(client)).toMatchObject({ status: 200 });
  const session = connect(controller.url, { ca: ca.cert, ...client });
  const stream = session.request({
    ":method": "POST",
    ":path": REPORT_PATH,
    "content-type": "application/json",
  });
  stream.end(new FakeGatewayPod("h2", 1).body());
  const status = await new Promise((resolve) =>
    stream.once("response", (headers) => resolve(headers[":status"])),
  );
  session.close();
  expect(status).toBe(200);
});

test("a certificate of another namespace may not", async () => {
  expect(await reportOver(await signed(spiffe("elsewhere")))).toMatchObject({ status: 403 });
});

test("no certificate, or one of another CA, ends the handshake", async () => {
  const made = await generate([{ name: "commonName", value: "other CA" }], {
    keyType: "ec",
    algorithm: "sha256",
  });
  const other = { key: made.private, cert: made.cert };
  await expect(reportOver({})).rejects.toThrow();
  await expect(reportOver(await signed(spiffe("search-ingress"), other))).rejects.toThrow();
});

test("renewed certificates serve new connections", async () => {
  const client = await signed(spiffe("search-ingress"));
  const before = await reportOver(client);
  controller.renewTls(await serverTls());
  const after = await reportOver(client);
  expect(after.status).toBe(200);
  expect(after.serial).not.toBe(before.serial);
});

test("a follower forwards over TLS to a leader with the same certificate, and to no other", async () => {
  const { key, cert } = await serverTls();
  const source = () => new FileSource([EXAMPLES], pino({ level: "silent" }));
  const leader = await startController({ source: source(), tls: { key, cert } });
  const leadership = { isLeader: false, leaderUrl: leader.url, start: () => {}, stop: async () => {} };
  const same = await startController({ source: source(), tls: { key, cert }, leadership });
  const other = await startController({
    source: source(),
    tls: { ...(await serverTls()), clientCa: undefined },
    leadership,
  });
  expect(await reportOver({}, same.url)).toMatchObject({ status: 200 });
  expect(await reportOver({}, other.url)).toMatchObject({ status: 503 });
  for (const each of [same, other, leader]) await each.stop();
});

test("certificates from files are told apart", async () => {
  const folder = await mkdtemp(join(tmpdir(), "modelgate-tls-"));
  const paths = { cert: join(folder, "cert"), key: join(folder, "key") };
  await writeFile(paths.cert, "a");
  await writeFile(paths.key, "k");
  const first = await readTls(paths);
  expect(sameTls(first, await readTls(paths))).toBe(true);
  await writeFile(paths.cert, "b");
  expect(sameTls(first, await readTls(paths))).toBe(false);
  await rm(folder, { recursive: true });
});
