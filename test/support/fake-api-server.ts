import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { KubeConfig } from "@kubernetes/client-node";
import { customResourceDefinition } from "../../tools/api/crd.ts";
import { type Kind, KINDS as RESOURCES } from "../../tools/api/kinds.ts";
import { OWNED_KINDS } from "../../tools/cluster/deploy/owned-objects.ts";
import { KubernetesClient } from "../../tools/lib/kubernetes/client.ts";
import type { Manifest } from "../../tools/lib/kubernetes/manifest.ts";

const KINDS: [apiVersion: string, kind: string][] = [
  ...OWNED_KINDS,
  ["modelgate.dev/v1alpha1", "Tenant"],
  ["modelgate.dev/v1alpha1", "ModelTask"],
  ["v1", "Event"],
  ["v1", "Namespace"],
  ["v1", "Secret"],
  ["v1", "ConfigMap"],
  ["v1", "Pod"],
  ["v1", "PersistentVolumeClaim"],
  ["apps/v1", "StatefulSet"],
  ["storage.k8s.io/v1", "StorageClass"],
  ["discovery.k8s.io/v1", "EndpointSlice"],
];
const CLUSTER_SCOPED = ["Tenant", "Namespace", "StorageClass"];

/** Of a resource of ours the API server keeps what the definition knows. */
function knownStatus(kind = "", status: unknown): unknown {
  if (!(kind in RESOURCES) || typeof status !== "object" || status === null) return status;
  const { spec } = customResourceDefinition(kind as Kind);
  const [version] = (spec as unknown as Definition).versions;
  const known = version.schema.openAPIV3Schema.properties.status.properties;
  return Object.fromEntries(Object.entries(status).filter(([name]) => name in known));
}

interface Definition {
  versions: [{ schema: { openAPIV3Schema: { properties: { status: { properties: object } } } } }];
}

/**
 * As much of the Kubernetes API as the operator uses, without schemas and field ownership: list, watch, apply, merge patch,
 * status, delete with finalizers and preconditions. The real one is in test/cluster.
 */
export class FakeApiServer {
  readonly objects = new Map<string, Manifest>();
  readonly writes: string[] = [];
  /** Answers instead of the server when it returns a status. */
  fault: (method: string, path: string) => number | undefined = () => undefined;
  client!: KubernetesClient;
  private readonly watchers = new Set<Watcher>();
  private readonly history: Change[] = [];
  // A kept connection that ends just as a client takes it again is an error of the client's.
  private readonly server = createServer(
    { keepAliveTimeout: 0 },
    (request, response) => void this.serve(request, response),
  );
  private version = 0;
  private held: { plural: string; changes: Change[] } | undefined;

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    const server = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    this.client = clientOf(server);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  find(kind: string, name: string): Manifest | undefined {
    return [...this.objects.values()].find((each) => each.kind === kind && each.metadata.name === name);
  }

  async apply(...objects: Manifest[]): Promise<void> {
    for (const object of objects) await this.client.apply(object, { fieldManager: "test" });
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://fake");
    const method = request.method ?? "";
    if (method !== "GET" && !/\/events$/.test(pathname)) this.writes.push(`${method} ${pathname}`);
    const faulty = this.fault(method, pathname);
    const selector = searchParams.get("labelSelector") ?? "";
    const body = method === "GET" ? undefined : ((await json(request)) as Manifest);
    if (faulty) return reply(response, faulty, { message: `fault ${faulty}` });
    const group = /^\/(?:api\/v1|apis\/[^/]+\/[^/]+)/.exec(pathname)?.[0] ?? "";
    const parts = pathname.slice(group.length).split("/").filter(Boolean);
    if (parts.length === 0) return reply(response, 200, { resources: resourcesOf(group) });
    const namespace = parts[0] === "namespaces" && parts.length > 2 ? parts.splice(0, 2)[1] : undefined;
    const [plural = "", name, subresource] = parts;
    const folder = `${group}/${plural} ${namespace === undefined ? "" : `${namespace}/`}`;
    if (name === undefined && method === "GET") {
      if (searchParams.has("watch")) {
        response.writeHead(200, { "content-type": "application/json" }).flushHeaders();
        const from = Number(searchParams.get("resourceVersion"));
        const watcher = { folder, selector, response };
        for (const event of this.history)
          if (Number(event.object.metadata.resourceVersion) > from) tell(watcher, event);
        this.watchers.add(watcher);
        return;
      }
      const items = [...this.objects].filter(
        ([key, object]) => key.startsWith(folder) && matches(object, selector),
      );
      const metadata = { resourceVersion: String(this.version) };
      return reply(response, 200, { metadata, items: items.map(([, object]) => object) });
    }
    const created = name ?? body?.metadata.name;
    const key = `${group}/${plural} ${namespace ?? ""}/${created ?? `event-${this.version}`}`;
    if (method === "POST" && this.objects.has(key))
      return reply(response, 409, { reason: "AlreadyExists", message: "already exists" });
    // An apply by a manager of its own adds its fields to those of others.
    const others = searchParams.get("fieldManager")?.endsWith("-creation") && this.objects.get(key)?.spec;
    const whole = others && body ? { ...body, spec: { ...others, ...(body.spec as object) } } : body;
    const [status, answer] = this.change(method, key, subresource, whole);
    reply(response, status, answer);
  }

  private change(
    method: string,
    key: string,
    subresource: string | undefined,
    body: Manifest | undefined,
  ): [number, object] {
    const live = this.objects.get(key);
    if (method === "GET") return live ? [200, live] : [404, { message: "not found" }];
    if (method === "DELETE") {
      const wanted = (body?.preconditions as { resourceVersion?: string } | undefined)?.resourceVersion;
      if (!live) return [404, { message: "not found" }];
      if (wanted !== undefined && wanted !== live.metadata.resourceVersion)
        return [409, { message: "changed" }];
      if ((live.metadata.finalizers as string[] | undefined)?.length)
        this.store(key, {
          ...live,
          metadata: { ...live.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" },
        });
      else this.remove(key, live);
      return [200, {}];
    }
    const wanted = body?.metadata?.resourceVersion;
    if (wanted !== undefined && wanted !== live?.metadata.resourceVersion)
      return [409, { message: "changed" }];
    const metadata = { ...live?.metadata, ...body?.metadata };
    const next = (
      subresource === "status"
        ? { ...live, status: knownStatus(live?.kind, body?.status) }
        : { ...live, ...body }
    ) as Manifest;
    const generation =
      Number(live?.metadata.generation ?? 0) +
      (JSON.stringify(live?.spec) === JSON.stringify(next.spec) ? 0 : 1);
    const object = { ...next, metadata: { ...metadata, generation } } as Manifest;
    if (object.metadata.deletionTimestamp && (object.metadata.finalizers as string[]).length === 0)
      this.remove(key, object);
    else this.store(key, object);
    return [200, this.objects.get(key) ?? object];
  }

  private store(key: string, object: Manifest): void {
    const before = this.objects.get(key);
    const { resourceVersion: _, ...metadata } = object.metadata;
    const { resourceVersion: __, ...old } = before?.metadata ?? { name: "" };
    if (
      before &&
      JSON.stringify([{ ...before, metadata: old }]) === JSON.stringify([{ ...object, metadata }])
    )
      return;
    this.version++;
    const creationTimestamp = metadata.creationTimestamp ?? String(this.version).padStart(9, "0");
    const stored = {
      ...object,
      metadata: { uid: key, ...metadata, creationTimestamp, resourceVersion: String(this.version) },
    };
    this.objects.set(key, stored);
    this.tell(key, before ? "MODIFIED" : "ADDED", stored);
  }

  private remove(key: string, object: Manifest): void {
    this.objects.delete(key);
    const resourceVersion = String(++this.version);
    this.tell(key, "DELETED", { ...object, metadata: { ...object.metadata, resourceVersion } });
  }

  /** Watches of a kind hear of nothing more until what this returns is called. */
  holdWatches(plural: string): () => void {
    this.held = { plural, changes: [] };
    return () => {
      const { changes } = this.held ?? { changes: [] };
      this.held = undefined;
      for (const change of changes) for (const watcher of this.watchers) tell(watcher, change);
    };
  }

  private tell(key: string, type: string, object: Manifest): void {
    const change = { key, type, object };
    this.history.push(change);
    if (this.held && key.includes(`/${this.held.plural} `)) this.held.changes.push(change);
    else for (const watcher of this.watchers) tell(watcher, change);
  }
}

interface Watcher {
  folder: string;
  selector: string;
  response: ServerResponse;
}

interface Change {
  key: string;
  type: string;
  object: Manifest;
}

function tell({ folder, selector, response }: Watcher, { key, type, object }: Change): void {
  if (key.startsWith(folder) && matches(object, selector))
    response.write(`${JSON.stringify({ type, object })}\n`);
}

/** The client of the tools speaks TLS only. */
/** A client of an API server that speaks HTTP. @param server its URL */
export function clientOf(server: string): KubernetesClient {
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: "fake", server, skipTLSVerify: true }, { name: "fake" });
  return new HttpClient(config, server);
}

class HttpClient extends KubernetesClient {
  private readonly url: string;

  constructor(config: KubeConfig, url: string) {
    super(config);
    this.url = url;
  }

  override async send(method: string, path: string, body?: object): Promise<Manifest> {
    const { ApiError } = await import("../../tools/lib/kubernetes/api-error.ts");
    const response = await fetch(new URL(path, `${this.url}/`), {
      method,
      ...(body && { body: JSON.stringify(body) }),
    });
    const parsed = (await response.json()) as Manifest & { message?: string };
    if (!response.ok) throw new ApiError(response.status, parsed);
    return parsed;
  }
}

function resourcesOf(group: string): object[] {
  return KINDS.filter(([apiVersion]) => group.endsWith(`/${apiVersion}`)).map(([, kind]) => ({
    name: `${kind.toLowerCase().replace(/y$/, "ie")}s`,
    kind,
    namespaced: !CLUSTER_SCOPED.includes(kind),
  }));
}

function matches({ metadata }: Manifest, selector: string): boolean {
  const labels = metadata.labels ?? {};
  return selector
    .split(/,(?![^(]*\))/)
    .filter(Boolean)
    .every((each) => {
      if (each.startsWith("!")) return !(each.slice(1) in labels);
      const [, of = "", values] = /^(\S+) in \((.*)\)$/.exec(each) ?? [];
      if (values !== undefined) return values.split(",").includes(labels[of] ?? "");
      const [key = "", value] = each.split("=");
      return value === undefined ? key in labels : labels[key] === value;
    });
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
