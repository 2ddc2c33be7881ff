import { Agent, type RequestOptions } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";
import { ApiError, type Status } from "./api-error.ts";
import { exchange } from "./exchange.ts";
import { type Manifest, resourceName } from "./manifest.ts";

/** Connections to the API server at a time. */
const MAX_SOCKETS = 32;

interface ApplyOptions {
  fieldManager: string;
  /** Check and default on the server, store nothing. */
  dryRun?: boolean;
  /** Take fields from other managers. */
  force?: boolean;
}

interface ApiResource {
  name: string;
  kind: string;
  namespaced: boolean;
}

/**
 * The Kubernetes API by its JSON, any kind. Objects go to the server as they are: the typed client drops the
 * fields that its models lack.
 */
export class KubernetesClient {
  readonly config: KubeConfig;
  private readonly resources = new Map<string, Promise<ApiResource[]>>();
  private agent: RequestOptions["agent"];

  constructor(config: KubeConfig) {
    this.config = config;
  }

  /** @throws ApiError when the object is not there */
  async get(object: Manifest): Promise<Manifest> {
    return this.send("GET", await this.pathOf(object));
  }

  /**
   * Server-side apply.
   * @returns the object as the server has it (or would, for a dry run).
   * @throws ApiError
   */
  async apply(object: Manifest, { fieldManager, dryRun, force }: ApplyOptions): Promise<Manifest> {
    const query = new URLSearchParams({
      fieldManager,
      fieldValidation: "Strict",
      force: String(force ?? false),
    });
    if (dryRun) query.set("dryRun", "All");
    return this.send(
      "PATCH",
      `${await this.pathOf(object)}?${query}`,
      object,
      "application/apply-patch+yaml",
    );
  }

  /**
   * Creates an object, which costs the server less than an apply.
   * @returns the object as the server has it (or would, for a dry run); undefined when one of its name is
   * there. @throws ApiError
   */
  async create(
    object: Manifest,
    { fieldManager, dryRun }: Omit<ApplyOptions, "force">,
  ): Promise<Manifest | undefined> {
    const query = new URLSearchParams({ fieldManager, fieldValidation: "Strict" });
    if (dryRun) query.set("dryRun", "All");
    const path = await this.pathOf(object);
    try {
      return await this.send("POST", `${path.slice(0, path.lastIndexOf("/"))}?${query}`, object);
    } catch (error) {
      if (error instanceof ApiError && error.reason === "AlreadyExists") return undefined;
      throw error;
    }
  }

  /** A JSON merge patch (RFC 7386). @param suffix of the path: a subresource, a query. @throws ApiError */
  async mergePatch(object: Manifest, patch: object, suffix = ""): Promise<Manifest> {
    return this.send("PATCH", (await this.pathOf(object)) + suffix, patch, "application/merge-patch+json");
  }

  /**
   * A JSON merge patch in the name of a field manager. With `metadata.resourceVersion` in it, it fails when
   * the object has changed since that version. @throws ApiError
   */
  async update(object: Manifest, patch: object, { fieldManager, dryRun }: ApplyOptions): Promise<Manifest> {
    const query = new URLSearchParams({ fieldManager, fieldValidation: "Strict" });
    if (dryRun) query.set("dryRun", "All");
    return this.mergePatch(object, patch, `?${query}`);
  }

  /**
   * @param unchanged only as long as it is the version that was read
   * @returns false when it was not there. @throws ApiError
   */
  async delete(object: Manifest, { dryRun = false, unchanged = false } = {}): Promise<boolean> {
    const { uid, resourceVersion } = object.metadata;
    // With a body the server does not read these options from the query.
    const options = {
      propagationPolicy: "Background",
      ...(dryRun && { dryRun: ["All"] }),
      ...(unchanged && { preconditions: { uid, resourceVersion } }),
    };
    try {
      await this.send("DELETE", await this.pathOf(object), options);
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return false;
      throw error;
    }
  }

  /** Path of the objects of a kind in all namespaces; undefined when the server does not know it. */
  async pathOfAll(apiVersion: string, kind: string): Promise<string | undefined> {
    const resource = await this.find(apiVersion, kind);
    return resource && `${groupPath(apiVersion)}/${resource.name}`;
  }

  async knows(apiVersion: string, kind: string): Promise<boolean> {
    return (await this.find(apiVersion, kind)) !== undefined;
  }

  /**
   * Objects of a kind, in one namespace or all, in pages of 500. @returns none when the server does not know
   * the kind
   */
  async list(apiVersion: string, kind: string, options: { labelSelector?: string; namespace?: string } = {}) {
    const resource = await this.find(apiVersion, kind);
    const items: Manifest[] = [];
    if (!resource) return items;
    const folder = `${groupPath(apiVersion)}${options.namespace ? `/namespaces/${options.namespace}` : ""}/${resource.name}`;
    const query = new URLSearchParams({ limit: "500" });
    if (options.labelSelector) query.set("labelSelector", options.labelSelector);
    for (;;) {
      const page = await this.send("GET", `${folder}?${query}`);
      for (const item of page.items as Manifest[]) items.push({ ...item, apiVersion, kind });
      const next = (page.metadata as { continue?: string }).continue;
      if (!next) return items;
      query.set("continue", next);
    }
  }

  /**
   * One request with a JSON body.
   * @throws ApiError for a status of 400 and more, Error when the server can't be reached
   */
  async send(
    method: string,
    path: string,
    body?: object,
    contentType = "application/json",
  ): Promise<Manifest> {
    const url = new URL(path, this.server());
    const options: RequestOptions = { method, headers: { accept: "application/json" } };
    await this.config.applyToHTTPSOptions(options as never);
    this.agent ??= this.config.getCurrentCluster()?.proxyUrl
      ? options.agent
      : new Agent({ ...options, keepAlive: true, maxSockets: MAX_SOCKETS } as never);
    options.agent = this.agent;
    const payload = body && JSON.stringify(body);
    if (payload !== undefined) {
      const length = String(Buffer.byteLength(payload));
      options.headers = { ...options.headers, "content-type": contentType, "content-length": length };
    }
    const { status, body: reply } = await exchange(url, options, payload);
    const parsed = parseReply(reply);
    if (status >= 400) throw new ApiError(status, parsed as Status);
    return parsed as Manifest;
  }

  /** Path of an object. @throws Error when the server does not know the kind */
  private async pathOf(object: Manifest): Promise<string> {
    const { apiVersion, kind, metadata } = object;
    const resource = await this.find(apiVersion, kind);
    if (!resource)
      throw new Error(
        `${resourceName(object)}: the cluster has no ${kind} of ${apiVersion}: install its custom resource definitions first`,
      );
    const scope = resource.namespaced ? `/namespaces/${metadata.namespace ?? "default"}` : "";
    return `${groupPath(apiVersion)}${scope}/${resource.name}/${metadata.name}`;
  }

  private async find(apiVersion: string, kind: string): Promise<ApiResource | undefined> {
    let resources = this.resources.get(apiVersion);
    if (!resources) {
      resources = this.send("GET", groupPath(apiVersion)).then(
        (list) => list.resources as ApiResource[],
        (error) => {
          if (error instanceof ApiError && error.code === 404) return [];
          throw error;
        },
      );
      this.resources.set(apiVersion, resources);
    }
    const found = (await resources).find((each) => each.kind === kind && !each.name.includes("/"));
    // A definition may be installed while this runs.
    if (!found) this.resources.delete(apiVersion);
    return found;
  }

  private server(): string {
    const server = this.config.getCurrentCluster()?.server;
    if (!server) throw new Error("the kubeconfig has no cluster for its current context");
    return server.endsWith("/") ? server : `${server}/`;
  }
}

function groupPath(apiVersion: string): string {
  return apiVersion.includes("/") ? `apis/${apiVersion}` : `api/${apiVersion}`;
}

function parseReply(reply: string): unknown {
  try {
    return JSON.parse(reply);
  } catch {
    return { message: reply.trim().slice(0, 300) };
  }
}
