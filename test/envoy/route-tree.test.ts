import { request } from "node:http";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { EnvoyRoute } from "../../tools/cluster/istio/envoy-route.ts";
import { routeTree } from "../../tools/cluster/istio/route-tree.ts";
import { bootstrap } from "../../tools/lib/envoy/bootstrap.ts";
import { findEnvoy } from "../../tools/lib/envoy/find.ts";
import { type RunningEnvoy, startEnvoy } from "../../tools/lib/envoy/process.ts";
import {
  type Headers,
  istioRoutes,
  patched,
  requests,
  routedTenant,
  tasks,
  type VirtualHost,
} from "../support/routing.ts";

/**
 * Each case has two virtual hosts: Istio's routes, and the tree. Their routes answer with their own names.
 */

const CASES = 24;
const REQUESTS_PER_CASE = 25;
const SOURCES = ["istio", "gateway-api"] as const;
const tenant = routedTenant();
const sampled = fc.sample(tasks, { numRuns: CASES, seed: 17 });
let envoy: RunningEnvoy;

beforeAll(async () => {
  const hosts = sampled.flatMap((all, index) => {
    const source = SOURCES[index % 2] as (typeof SOURCES)[number];
    const routes = istioRoutes(tenant, all, source);
    const plain: VirtualHost = { name: `routes-${index}`, domains: [`routes-${index}`], routes };
    const tree = patched({ ...plain, domains: ["*"] }, routeTree(tenant, all, source));
    // The real settings too, so that Envoy says whether it takes them.
    const settings = { ...tree, domains: [`settings-${index}`] };
    return [answering(plain), answering({ ...tree, domains: [`tree-${index}`] }), settings];
  });
  envoy = await startEnvoy({
    envoy: await findEnvoy(),
    concurrency: 1,
    bootstrap: withVirtualHosts(hosts),
  });
});
afterAll(() => envoy?.stop());

function withVirtualHosts(virtual_hosts: object[]): object {
  const config = bootstrap({ tasks: [], filters: [] }) as {
    static_resources: { listeners: { filter_chains: { filters: { typed_config: object }[] }[] }[] };
  };
  const filter = config.static_resources.listeners[0]?.filter_chains[0]?.filters.at(-1);
  Object.assign(filter?.typed_config ?? {}, { route_config: { validate_clusters: false, virtual_hosts } });
  return config;
}

/** The virtual host, its routes to clusters replaced by answers that say which route it is. */
function answering(host: VirtualHost): object {
  return JSON.parse(JSON.stringify(host), (_key, value) => {
    const { match, route, name } = (value ?? {}) as Partial<EnvoyRoute>;
    if (match === undefined || route === undefined) return value;
    return { name, match, direct_response: { status: 200, body: { inline_string: name } } };
  });
}

interface Answer {
  status: number | undefined;
  headers: Record<string, unknown>;
  text: string;
}

function ask(host: string, headers: Headers): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  request(
    { host: "127.0.0.1", port: envoy.port, path: "/", headers: { ...headers, host } },
    async (response) => {
      response.setEncoding("utf8");
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode, headers: response.headers, text });
    },
  )
    .on("error", reject)
    .end();
  return promise;
}

it("a real Envoy takes the same route by the tree as by Istio's routes", async () => {
  const seen = new Set<string>();
  for (const [index, headers] of fc
    .sample(requests, { numRuns: CASES * REQUESTS_PER_CASE, seed: 17 })
    .entries()) {
    const of = index % CASES;
    const plain = await ask(`routes-${of}`, headers);
    const tree = await ask(`tree-${of}`, headers);
    const about = `case ${of}, ${JSON.stringify(headers)}`;
    if (headers.taskid && headers.taskid.length > 1) {
      expect(JSON.parse(tree.text).reason, about).toBe("task_unknown");
      continue;
    }
    expect(tree.status, about).toBe(plain.status);
    if (plain.status === 200) expect(tree.text, about).toBe(plain.text);
    else seen.add(JSON.parse(tree.text).reason);
    seen.add(plain.text.replace(/[-.].*/, ""));
  }
  expect([...seen].sort()).toEqual([
    "",
    "default",
    "match",
    "models",
    "task_unknown",
    "version",
    "version_unknown",
  ]);
});

it("tells HTTP and gRPC callers of a task that is not there", async () => {
  const { status, headers, text } = await ask("tree-0", { taskid: ["none"] });
  expect([status, headers["content-type"]]).toEqual([404, "application/json"]);
  expect(JSON.parse(text)).toEqual({ error: "the gateway has no such task", reason: "task_unknown" });
  const grpc = await ask("tree-0", {
    taskid: ["none"],
    "content-type": ["application/grpc"],
    te: ["trailers"],
  });
  expect([grpc.status, grpc.headers["grpc-status"], grpc.headers["grpc-message"]]).toEqual([
    200,
    "12",
    "the gateway has no such task",
  ]);
});
