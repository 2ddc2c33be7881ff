import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { Agent, createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  attacker,
  authConfig,
  bearer,
  type Call,
  digestOf,
  ISSUER,
  jwk,
  jwt,
  KEY,
  rsa,
  signed,
} from "../support/auth.ts";
import {
  type AuthCase,
  apiKeyCases,
  permissionCases,
  signatureCases,
  tokenCases,
} from "../support/auth-cases.ts";
import { type AuthGateway, startAuthGateway } from "../support/auth-gateway.ts";
import { stat } from "../support/gateway.ts";
import { quiet } from "../support/pace.ts";

const STATUSES: Record<string, number> = {
  credential_ambiguous: 400,
  task_missing: 400,
  task_ambiguous: 400,
  task_forbidden: 403,
  version_forbidden: 403,
  method_forbidden: 403,
  host_forbidden: 403,
};

const good: Call = {
  headers: [
    ["x-api-key", KEY],
    ["taskid", "666"],
  ],
};

/** A cluster of one server that speaks HTTP/1.1. */
function http1Cluster(name: string, port: number): object {
  const address = { socket_address: { address: "127.0.0.1", port_value: port } };
  const endpoints = [{ lb_endpoints: [{ endpoint: { address } }] }];
  return { name, connect_timeout: "1s", load_assignment: { cluster_name: name, endpoints } };
}

describe("attacks and edge cases", () => {
  let gateway: AuthGateway;
  beforeAll(async () => {
    gateway = await startAuthGateway(authConfig);
  });
  afterAll(() => gateway?.stop());

  const check = async ([, call, reason]: AuthCase) => {
    const { status, headers, text } = await gateway.send(call);
    if (!reason) {
      expect(status, text).toBe(200);
      expect(text).not.toMatch(/api.key|authorization|kkkkk|eyJ/i);
      return;
    }
    if (status === 431) return; // Envoy's own limit for headers
    const wanted = STATUSES[reason] ?? 401;
    expect([status, JSON.parse(text).reason]).toEqual([wanted, reason]);
    expect(headers["www-authenticate"] !== undefined).toBe(wanted === 401);
  };

  it.each(apiKeyCases())("API key: %s", (...args) => check(args as AuthCase));
  it.each(permissionCases())("permission: %s", (...args) => check(args as AuthCase));
  it.each(tokenCases())("token: %s", (...args) => check(args as AuthCase));
  it("signatures", async () => {
    for (const each of signatureCases()) {
      await check(each).catch((error: Error) => {
        throw new Error(`${each[0]}: ${error.message}`);
      });
    }
  });

  it("ignores an upgrade to TLS over plain text, as Apache's HttpClient asks for, and no other", async () => {
    const ask = async (upgrade: string) => {
      const headers: [string, string][] = [...good.headers, ["connection", "upgrade"], ["upgrade", upgrade]];
      return (await gateway.send({ ...good, headers })).status;
    };
    expect(await ask("TLS/1.2")).toBe(200);
    expect(await ask("tls/1.3")).toBe(200);
    expect(await ask("something")).toBe(403);
  });

  it("lets the model server see neither credential nor a tenant that the caller wrote", async () => {
    const call = { ...good, headers: [...good.headers, ["x-modelgate-tenant", "ads"]] as [string, string][] };
    const { headers } = JSON.parse((await gateway.send(call)).text);
    expect(Object.keys(headers).filter((name) => /modelgate|key/.test(name))).toEqual([]);
  });

  it("leaves the credential to the route where that removes it", async () => {
    const removedHeaders = ["authorization", "x-api-key"];
    const own = await startAuthGateway({ ...authConfig, removeCredentials: false }, { removedHeaders });
    try {
      for (const credential of [
        ["x-api-key", KEY],
        ["authorization", `Bearer ${KEY}`],
      ] as const) {
        const { status, text } = await own.send({ headers: [[...credential], ["taskid", "666"]] });
        expect(status, text).toBe(200);
        expect(text).not.toMatch(/api.key|authorization|kkkkk/i);
      }
    } finally {
      await own.stop();
    }
  });

  it("takes the path as Envoy normalised it", async () => {
    const { text } = await gateway.send({ ...good, path: "/v2/models/../x/./m?a=b" });
    expect(JSON.parse(text).headers[":path"]).toBe("/v2/x/m?a=b");
    const { text: refusal } = await gateway.send({ ...good, path: "/v2/models/../x/./m?api_key=x" });
    expect(JSON.parse(refusal).reason).toBe("credential_ambiguous");
  });

  it.each([
    ["a folded header", "taskid: 666\r\n  667"],
    ["white space before the colon", "taskid : 666"],
    ["a bare line feed", "taskid: 666\ntaskid: 667"],
    ["a NUL", "taskid: 6\u000066"],
    ["a name with a control character", "task\u0001id: 666"],
    ["two lengths", "taskid: 666\r\ncontent-length: 5\r\ncontent-length: 6"],
    ["a length and chunks", "taskid: 666\r\ncontent-length: 5\r\ntransfer-encoding: chunked"],
  ])("lets no request through with %s", async (_name, lines) => {
    const socket = connect(gateway.envoy.port, "127.0.0.1").setEncoding("latin1");
    socket.write(`GET /x HTTP/1.1\r\nhost: x\r\nx-api-key: ${KEY}\r\n${lines}\r\n\r\n`);
    const [text] = await once(socket, "data");
    socket.destroy();
    expect(text).toMatch(/^HTTP\/1.1 4\d\d/);
  });

  it("goes on after broken HTTP", async () => {
    expect((await gateway.send({ ...good, headers: [...good.headers, ["x-a", "a\tb"]] })).status).toBe(200);
    expect((await gateway.send(good)).status).toBe(200);
  });

  it("never writes a credential to the log, and counts refusals by reason", async () => {
    const log = await gateway.log();
    expect(log.split("\n").length).toBeGreaterThan(100);
    for (const secret of [KEY, "second", "ads-key", "narrow-key", "eyJ", "hmac-sha256", "Bearer"]) {
      expect(
        log.includes(`"${secret}`) || log.includes(`=${secret}`) || log.includes(`${secret}.`),
        secret,
      ).toBe(false);
    }
    expect(log).toContain('"credential":"a"');
    expect(log).toContain('"would_refuse":"task_forbidden"');
    expect(await stat(gateway.envoy, "refused.token_signature")).toBeGreaterThan(5);
  });
});

describe("a signed body, and a model server of HTTP/1.1", () => {
  let gateway: AuthGateway;
  const complete: string[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      complete.push(body);
      response.end(body);
    });
  });

  beforeAll(async () => {
    await once(server.listen(0, "127.0.0.1"), "listening");
    gateway = await startAuthGateway(authConfig, {
      clusters: [http1Cluster("http1", (server.address() as AddressInfo).port)],
      routes: [{ match: { prefix: "/" }, route: { cluster: "http1" } }],
    });
  });
  afterAll(async () => {
    await gateway?.stop();
    server.close();
  });

  it("is never complete there when it is not the one that was signed", async () => {
    const call = (body: string) => ({ ...signed({ headers: [["taskid", "666"]], body: "signed" }), body });
    expect(await gateway.send(call("signed"))).toMatchObject({ status: 200, text: "signed" });
    expect((await gateway.send(call("tamper"))).status).toBe(401);
    await quiet(100);
    expect(complete).toEqual(["signed"]);
  });
});

describe("changes at run time", () => {
  let gateway: AuthGateway;
  beforeAll(async () => {
    gateway = await startAuthGateway(authConfig);
  });
  afterAll(() => gateway?.stop());

  it("revokes and rotates keys on open connections of both workers within two seconds", async () => {
    const SOON = { timeout: 2000, interval: 100 };
    const agents = Array.from({ length: 16 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    const rotated: Call = {
      headers: [
        ["x-api-key", "the-next-key"],
        ["taskid", "666"],
      ],
    };
    const statuses = async (call: Call) =>
      new Set(await Promise.all(agents.map(async (agent) => (await gateway.send(call, { agent })).status)));
    expect(await statuses(good)).toEqual(new Set([200]));
    expect(await statuses(rotated)).toEqual(new Set([401]));
    const [search, ...others] = authConfig.tenants;
    const next = { id: "a-2", sha256: digestOf("the-next-key") };
    const both = { ...search, credentials: [...(search?.credentials ?? []), next] };
    await gateway.configure({ ...authConfig, tenants: [both, ...others] });
    await expect.poll(() => statuses(rotated), SOON).toEqual(new Set([200]));
    expect(await statuses(good)).toEqual(new Set([200]));
    await gateway.configure({
      ...authConfig,
      revoked: [...authConfig.revoked, digestOf(KEY)],
      tenants: [both, ...others],
    });
    await expect.poll(() => statuses(good), SOON).toEqual(new Set([401]));
    expect(await statuses(rotated)).toEqual(new Set([200]));
    for (const agent of agents) agent.destroy();
  });
});

describe("keys that are fetched", () => {
  let gateway: AuthGateway;
  let keys: object[] = [jwk(rsa.publicKey, "first")];
  let failures = 1;
  let fetches = 0;
  const fetchedFrom = (path: string) => ({
    issuers: [
      {
        issuer: ISSUER,
        audiences: ["models"],
        remoteJwks: { cluster: "keys", authority: "login.example", path, refreshSeconds: 1 },
      },
    ],
    tenants: [
      {
        tenant: "search",
        credentials: [{ id: "any", token: { issuer: ISSUER } }],
        tasks: [{ task: "*" }],
      },
    ],
  });
  const server = createServer((request, response) => {
    fetches++;
    if (failures-- > 0) response.writeHead(500);
    response.end(request.url === "/keys" ? JSON.stringify({ keys }) : "?");
  });

  beforeAll(async () => {
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    gateway = await startAuthGateway(fetchedFrom("/keys"), { clusters: [http1Cluster("keys", port)] });
  });
  afterAll(async () => {
    await gateway?.stop();
    server.close();
  });

  /** Sends a call until it is refused for this reason, or let through. */
  const untilSaid = (call: Call, reason: string | undefined) => {
    const said = async () => {
      const { status, text } = await gateway.send(call);
      return status === 200 ? undefined : JSON.parse(text).reason;
    };
    return expect.poll(said, { interval: 100, message: gateway.envoy.log.join("\n") }).toBe(reason);
  };

  it("come after a failed fetch, are replaced, stay when the issuer is gone, once a process", async () => {
    const first = bearer(jwt({ kid: "first" }));
    const second = bearer(jwt({ kid: "second", key: attacker.privateKey }));
    await untilSaid(first, undefined);
    await untilSaid(second, "token_key_unknown");
    keys = [jwk(attacker.publicKey, "second")];
    await untilSaid(second, undefined);
    await untilSaid(first, "token_key_unknown");
    failures = Number.POSITIVE_INFINITY;
    const before = fetches;
    await quiet(3000);
    expect(fetches - before).toBeLessThan(5);
    await untilSaid(second, undefined);
    expect(gateway.envoy.log.join("\n")).toContain("keys of https://login.example from keys: status 500");
  });

  it("count no more once the configuration fetches them elsewhere", async () => {
    const call = bearer(jwt({ kid: "second", key: attacker.privateKey }));
    await untilSaid(call, undefined);
    await gateway.configure(fetchedFrom("/elsewhere"));
    await untilSaid(call, "keys_unavailable");
  });
});

const openssl = (...args: string[]) => promisify(execFile)("openssl", args);
const noOpenssl = await openssl("version").then(
  () => false,
  () => true,
);
if (noOpenssl) console.warn("tests of client certificates are skipped: install openssl");

describe.skipIf(noOpenssl)("client certificates", () => {
  let gateway: AuthGateway;
  let folder: string;
  const file = (name: string) => join(folder, name);

  async function certificate(name: string, subject: string, extension: string, ca: string): Promise<void> {
    await writeFile(file(`${name}.ext`), extension);
    await openssl(
      ..."req -newkey rsa:2048 -nodes -subj".split(" "),
      subject,
      "-keyout",
      file(`${name}.key`),
      "-out",
      file(`${name}.csr`),
    );
    const self =
      ca === name
        ? ["-signkey", file(`${name}.key`)]
        : ["-CA", file(`${ca}.pem`), "-CAkey", file(`${ca}.key`), "-CAcreateserial"];
    await openssl(
      "x509",
      "-req",
      "-in",
      file(`${name}.csr`),
      ...self,
      "-days",
      "1",
      "-extfile",
      file(`${name}.ext`),
      "-out",
      file(`${name}.pem`),
    );
  }

  const identities: [string, string, string][] = [
    ["pod", "/CN=pod", "subjectAltName=URI:spiffe://cluster.local/ns/search/sa/batch"],
    ["host", "/CN=host", "subjectAltName=DNS:batch.search.example"],
    ["person", "/O=Search/CN=person", "basicConstraints=CA:FALSE"],
    ["other", "/CN=other", "subjectAltName=URI:spiffe://cluster.local/ns/search/sa/other"],
  ];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "modelgate-certificates-"));
    await certificate("ca", "/CN=ca", "basicConstraints=critical,CA:TRUE", "ca");
    await certificate("server", "/CN=gateway", "basicConstraints=CA:FALSE", "ca");
    for (const [name, subject, extension] of identities) await certificate(name, subject, extension, "ca");
    const credential = (id: string, certificate: object) => ({ id, certificate });
    gateway = await startAuthGateway(
      {
        tenants: [
          {
            tenant: "search",
            credentials: [
              credential("pod", { uri: "spiffe://cluster.local/ns/search/sa/batch" }),
              credential("host", { dns: "batch.search.example" }),
              credential("person", { subject: "CN=person,O=Search" }),
            ],
            tasks: [{ task: "666" }],
          },
        ],
      },
      { tls: { certificate: file("server.pem"), key: file("server.key"), clientCa: file("ca.pem") } },
    );
  });
  afterAll(async () => {
    await gateway?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it.each([
    ["pod", 200],
    ["host", 200],
    ["person", 200],
    ["other", 401],
    ["none", 401],
  ])("%s: %d", async (name, status) => {
    const pair =
      name === "none"
        ? {}
        : { cert: await readFile(file(`${name}.pem`)), key: await readFile(file(`${name}.key`)) };
    const tls = { ...pair, rejectUnauthorized: false };
    const answer = await gateway.send({ headers: [["taskid", "666"]] }, { tls });
    expect(answer.status, answer.text).toBe(status);
    if (status === 200) expect(await gateway.log()).toContain(`"credential":"${name}"`);
  });
});
