import { setTimeout as sleep } from "node:timers/promises";
import { basicAuthorization } from "./credentials.ts";
import type { Blob, Image } from "./image.ts";
import type { Reference } from "./reference.ts";

const ATTEMPTS = 4;
const FIRST_DELAY_MS = 200;
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

export interface PushOptions {
  /** Speak HTTP to a registry that is not on this machine. */
  plainHttp?: boolean;
  /** Called with a line for each blob. */
  onProgress?: (line: string) => void;
}

/**
 * Pushes an image (OCI distribution-spec 1.1: blobs in one piece, then the manifest). What the registry has already is
 * not sent again.
 * @returns the reference by digest
 */
export async function pushImage(
  image: Image,
  reference: Reference,
  options: PushOptions = {},
): Promise<string> {
  const client = new RegistryClient(reference, options.plainHttp ?? false);
  for (const blob of [image.layer, image.config]) {
    const sent = await client.pushBlob(blob);
    options.onProgress?.(`${blob.digest} ${blob.bytes.length} bytes ${sent ? "pushed" : "already there"}`);
  }
  await client.pushManifest(image.manifest);
  return `oci://${reference.registry}/${reference.repository}@${image.manifest.digest}`;
}

class RegistryClient {
  private readonly reference: Reference;
  private readonly base: string;
  private authorization: string | undefined;

  constructor(reference: Reference, plainHttp: boolean) {
    this.reference = reference;
    const scheme = plainHttp || LOOPBACK.test(reference.registry) ? "http" : "https";
    this.base = `${scheme}://${reference.registry}/v2/${reference.repository}`;
  }

  /** @returns false when the registry had it. */
  async pushBlob(blob: Blob): Promise<boolean> {
    const head = await this.send("HEAD", `${this.base}/blobs/${blob.digest}`);
    if (head.ok) return false;
    const started = await this.send("POST", `${this.base}/blobs/uploads/`);
    const location = started.headers.get("location");
    if (started.status !== 202 || !location) throw await this.failure("start an upload", started);
    const upload = new URL(location, this.base);
    upload.searchParams.set("digest", blob.digest);
    const stored = await this.send("PUT", upload.href, blob.bytes, "application/octet-stream");
    if (stored.status !== 201) throw await this.failure(`store ${blob.digest}`, stored);
    return true;
  }

  async pushManifest(manifest: Blob): Promise<void> {
    const name = this.reference.tag ?? manifest.digest;
    const stored = await this.send(
      "PUT",
      `${this.base}/manifests/${name}`,
      manifest.bytes,
      manifest.mediaType,
    );
    if (stored.status !== 201) throw await this.failure(`store the manifest ${name}`, stored);
    const digest = stored.headers.get("docker-content-digest");
    if (digest && digest !== manifest.digest) {
      throw new Error(`${this.base}: the registry stored ${digest} instead of ${manifest.digest}`);
    }
  }

  private async send(method: string, url: string, body?: Uint8Array, type?: string): Promise<Response> {
    const response = await this.attempt(method, url, body, type);
    if (response.status !== 401 || this.authorization) return response;
    this.authorization = await this.authorize(response.headers.get("www-authenticate") ?? "");
    return this.authorization ? this.attempt(method, url, body, type) : response;
  }

  /** One request, tried again with growing pauses while the registry is unreachable or overloaded. */
  private async attempt(method: string, url: string, body?: Uint8Array, type?: string): Promise<Response> {
    const headers: Record<string, string> = {};
    if (this.authorization) headers.authorization = this.authorization;
    if (type) headers["content-type"] = type;
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await fetch(url, { method, headers, body: (body as BodyInit) ?? null });
        if ((response.status < 500 && response.status !== 429) || attempt === ATTEMPTS) return response;
      } catch (error) {
        const cause =
          error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
        if (attempt === ATTEMPTS)
          throw new Error(`cannot reach the registry ${this.reference.registry}: ${cause}`);
      }
      await sleep(FIRST_DELAY_MS * 2 ** (attempt - 1));
    }
  }

  /** Answers a challenge: Basic, or a Bearer token from the realm it names (distribution's token specification). */
  private async authorize(challenge: string): Promise<string | undefined> {
    const basic = await basicAuthorization(this.reference.registry);
    if (!/^bearer/i.test(challenge)) return basic;
    const parameter = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1];
    const realm = new URL(parameter("realm") ?? "");
    const service = parameter("service");
    if (service) realm.searchParams.set("service", service);
    realm.searchParams.set("scope", `repository:${this.reference.repository}:pull,push`);
    const response = await fetch(realm, basic ? { headers: { authorization: basic } } : {});
    if (!response.ok) throw await this.failure("get a token", response);
    const { token, access_token } = (await response.json()) as { token?: string; access_token?: string };
    return `Bearer ${token ?? access_token}`;
  }

  private async failure(what: string, response: Response): Promise<Error> {
    const text = (await response.text()).trim().slice(0, 300);
    const advice =
      response.status === 401 || response.status === 403 ? "; log in with `docker login` first" : "";
    return new Error(`${this.base}: cannot ${what}: HTTP ${response.status} ${text}${advice}`);
  }
}
