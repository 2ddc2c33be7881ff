/** Against a mock of two calls of the Kubernetes API; the real API server has test/cluster/controller.test.ts. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LeaseElection } from "../../../tools/servers/controller/kubernetes/election.ts";
import { serviceAccountToken } from "../../../tools/servers/controller/kubernetes/token-review.ts";
import { quiet } from "../../support/pace.ts";

const log = pino({ level: "silent" });
/** For a machine with much else to do. */
const WITHIN = 15_000;
let server: Server;
let config: KubeConfig;
let lease: { metadata: { resourceVersion: string }; spec: { holderIdentity: string } } | undefined;
let isDown: boolean;
/** The API server takes requests and says nothing. */
let isHung: boolean;
let reviews: number;
/** The API server tells which audiences the token is for. */
let knowsAudiences: boolean;
const elections: LeaseElection[] = [];

beforeEach(async () => {
  lease = undefined;
  isDown = false;
  isHung = false;
  reviews = 0;
  knowsAudiences = true;
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : undefined;
    if (isHung) return;
    const [status, reply] = isDown ? [500, {}] : answer(request.method ?? "", request.url ?? "", body);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(reply));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  config = new KubeConfig();
  config.loadFromClusterAndUser(
    {
      name: "mock",
      server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      skipTLSVerify: true,
    } as never,
    { name: "mock" } as never,
  );
});

afterEach(async () => {
  isDown = false;
  isHung = false;
  for (const election of elections.splice(0)) await election.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

// biome-ignore lint/suspicious/noExplicitAny: bodies of the API
function answer(method: string, url: string, body: any): [number, object] {
  if (url.endsWith("/tokenreviews")) {
    reviews++;
    const good = ["good", "bound"].includes(body.spec.token);
    // No API server names one that it does not know; nobody relies on that.
    const isNamed = good || body.spec.token === "named";
    const bound = { "authentication.kubernetes.io/pod-name": ["gateway-1"] };
    const extra = body.spec.token === "bound" ? bound : {};
    const user = { username: "system:serviceaccount:ingress:gateway", extra };
    const audiences = knowsAudiences ? body.spec.audiences : undefined;
    return [201, { ...body, status: { authenticated: good, user: isNamed ? user : {}, audiences } }];
  }
  if (method === "GET") return lease === undefined ? [404, { code: 404 }] : [200, lease];
  if (method === "PUT" && body.metadata.resourceVersion !== lease?.metadata.resourceVersion)
    return [409, { code: 409 }];
  if (method === "POST" && lease !== undefined) return [409, { code: 409 }];
  lease = { ...body, metadata: { ...body.metadata, resourceVersion: String(Math.random()) } };
  return [method === "POST" ? 201 : 200, lease as object];
}

/** After so long without a renewal a leader leads no more. */
const RENEW_MS = 6000;
/** How far the process's clock is ahead of the real one. */
let aheadMs = 0;
const now = performance.now.bind(performance);
vi.spyOn(performance, "now").mockImplementation(() => now() + aheadMs);

function join(identity: string): { election: LeaseElection; elected: () => number } {
  const election = new LeaseElection({
    ...{ config, namespace: "n", identity, url: `http://${identity}`, log },
    retryMs: 50,
  });
  let count = 0;
  election.start(() => count++);
  elections.push(election);
  return { election, elected: () => count };
}

describe("election", () => {
  test("of many that start at once exactly one leads, and the others know where", async () => {
    const all = ["a", "b", "c", "d"].map((identity) => join(identity));
    await vi.waitFor(() => {
      const leaders = all.filter(({ election }) => election.isLeader);
      expect(leaders).toHaveLength(1);
      const url = `http://${lease?.spec.holderIdentity}`;
      for (const { election } of all) if (!election.isLeader) expect(election.leaderUrl).toBe(url);
    }, WITHIN);
    expect(all.map(({ elected }) => elected()).reduce((a, b) => a + b)).toBe(1);
  });

  test("a leader that can't renew stops leading before the Lease is over, and is elected anew", async () => {
    const { election, elected } = join("a");
    await vi.waitFor(() => expect(election.isLeader).toBe(true), WITHIN);
    isDown = true;
    aheadMs += RENEW_MS;
    await vi.waitFor(() => expect(election.isLeader).toBe(false), WITHIN);
    isDown = false;
    await vi.waitFor(() => expect(election.isLeader).toBe(true), WITHIN);
    expect(elected()).toBeGreaterThan(1);
  });

  test("a leader is elected anew after the API server hung, and can stop while it does", async () => {
    const { election, elected } = join("a");
    await vi.waitFor(() => expect(election.isLeader).toBe(true), WITHIN);
    isHung = true;
    aheadMs += RENEW_MS;
    await vi.waitFor(() => expect(election.isLeader).toBe(false), WITHIN);
    isHung = false;
    await vi.waitFor(() => expect(election.isLeader).toBe(true), WITHIN);
    expect(elected()).toBeGreaterThan(1);
    isHung = true;
    await election.stop();
  });

  test("a leader can stop while the API server is down", async () => {
    const { election } = join("a");
    await vi.waitFor(() => expect(election.isLeader).toBe(true), WITHIN);
    isDown = true;
    await election.stop();
    expect(election.isLeader).toBe(false);
  });

  test("a Lease whose holder is silent is taken after its duration, one that is given up at once", async () => {
    lease = {
      metadata: { resourceVersion: "1" },
      spec: { holderIdentity: "gone", leaseDurationSeconds: 3 } as never,
    };
    const [first, second] = [join("a"), join("b")];
    await quiet(600);
    expect(first.election.isLeader || second.election.isLeader).toBe(false);
    await vi.waitFor(() => expect(first.election.isLeader || second.election.isLeader).toBe(true), WITHIN);
    const [leader, other] = first.election.isLeader ? [first, second] : [second, first];
    await leader.election.stop();
    await vi.waitFor(() => expect(other.election.isLeader).toBe(true), 5000);
  });
});

describe("token review", () => {
  test("answers are kept, and stay while the API server is down", async () => {
    const authenticate = serviceAccountToken(config, []);
    const ask = (token: string) => authenticate({ authorization: `Bearer ${token}` }, undefined);
    const all = await Promise.all([ask("good"), ask("good"), ask("good")]);
    expect(all).toEqual(Array(3).fill({ namespace: "ingress" }));
    expect(reviews).toBe(1);
    isDown = true;
    expect(await ask("good")).toEqual({ namespace: "ingress" });
    await expect(ask("another")).rejects.toThrow();
    isDown = false;
    expect(await ask("bad")).toBe("credential_unknown");
  });

  test.each([
    { audiences: ["modelgate"], known: true, caller: { namespace: "ingress" } },
    { audiences: ["modelgate"], known: false, caller: "credential_unknown" },
    { audiences: [], known: false, caller: { namespace: "ingress" } },
  ])("audiences $audiences, told by the API server: $known", async ({ audiences, known, caller }) => {
    knowsAudiences = known;
    const authenticate = serviceAccountToken(config, audiences);
    expect(await authenticate({ authorization: "Bearer good" }, undefined)).toEqual(caller);
  });

  test("nobody is known whose token the API server does not take, even if it names one", async () => {
    const authenticate = serviceAccountToken(config, []);
    expect(await authenticate({ authorization: "Bearer named" }, undefined)).toBe("credential_unknown");
  });

  test("a token that is bound to a pod is that pod's", async () => {
    const authenticate = serviceAccountToken(config, []);
    const caller = await authenticate({ authorization: "Bearer bound" }, undefined);
    expect(caller).toEqual({ namespace: "ingress", pod: "gateway-1" });
  });

  test("a token that was good stays so while the API server hangs", async () => {
    vi.useFakeTimers({ toFake: ["performance", "Date"] });
    try {
      const authenticate = serviceAccountToken(config, []);
      const ask = (token: string) => authenticate({ authorization: `Bearer ${token}` }, undefined);
      await ask("good");
      vi.advanceTimersByTime(120_000);
      isHung = true;
      expect(await ask("good")).toEqual({ namespace: "ingress" });
      await expect(ask("another")).rejects.toThrow();
    } finally {
      vi.useRealTimers();
    }
  });

  test.each([undefined, "Basic eA==", "Bearer", "Bearer a b"])("no token in %s", async (authorization) => {
    const authenticate = serviceAccountToken(config, []);
    expect(await authenticate(authorization === undefined ? {} : { authorization }, undefined)).toBe(
      "credential_missing",
    );
    expect(reviews).toBe(0);
  });
});
