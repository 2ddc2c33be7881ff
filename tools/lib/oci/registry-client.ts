import { setTimeout as sleep } from "node:timers/promises";
import { type Credentials, credentialsFor } from "./credentials.ts";
import type { Mirrors } from "./mirrors.ts";
import type { Reference } from "./reference.ts";

const ATTEMPTS = 4;
const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 10_000;
/** In bytes; registries take no longer ones (distribution-spec 1.1, "Pushing Manifests": 4 MiB). */
const LONGEST_MANIFEST = 4 << 20;
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

export interface RegistryOptions {
  /** Speak HTTP to a registry that is not on this machine. */
  plainHttp?: boolean;
  /** Where to pull from before the registry itself is asked; by default those of $MODELGATE_MIRRORS. */
  mirrors?: Mirrors;
}

interface RegistryRequest {
  body?: Uint8Array;
  /** Media type of the body. */
  type?: string;
  /** Media types to ask for. */
  accept?: string;
  /** Bytes of the whole that the body holds, `first-last` (distribution-spec, chunked upload). */
  range?: string;
  /** The first byte to send (RFC 9110, Range). */
  from?: number;
  /** Tries, with growing pauses, while the registry is unreachable or overloaded. Default: 4. */
  attempts?: number;
}

/** No answer came: the connection was refused or broke. */
export class RegistryUnreachable extends Error {}

/** HTTP to one repository of a registry: authentication, retries, errors that say what to do. */
export class RegistryClient {
  /** `https://host/v2/name` */
  readonly base: string;
  private readonly reference: Reference;
  private readonly actions: string;
  private authorization: string | undefined;

  /** @param actions what a token is asked for: `pull` or `pull,push` */
  constructor(reference: Reference, actions: "pull" | "pull,push", { plainHttp = false }: RegistryOptions) {
    this.reference = reference;
    this.actions = actions;
    const scheme = plainHttp || LOOPBACK.test(reference.registry) ? "http" : "https";
    this.base = `${scheme}://${reference.registry}/v2/${reference.repository}`;
  }

  /** @throws RegistryUnreachable when no answer comes */
  async send(method: string, url: string, request: RegistryRequest = {}): Promise<Response> {
    const response = await this.attempt(method, url, request);
    // Another host, which a blob may come from, is given no credentials however it asks.
    if (response.status !== 401 || !this.isRegistry(response.url)) return response;
    const authorization = await this.authorize(response.headers.get("www-authenticate") ?? "");
    if (authorization === undefined || authorization === this.authorization) return response;
    this.authorization = authorization;
    return this.attempt(method, url, request);
  }

  /**
   * The body of a reply to a GET. When the connection breaks it goes on from there, or begins again where the
   * registry sends no parts.
   * @param limit of its length in bytes
   * @throws RegistryUnreachable when it breaks again and again, Error when it is longer
   */
  async body(
    url: string,
    response: Response,
    { accept, limit = LONGEST_MANIFEST }: { accept?: string; limit?: number } = {},
  ): Promise<Uint8Array> {
    let chunks: Uint8Array[] = [];
    let length = 0;
    let reply = response;
    for (let attempt = 1; ; attempt++) {
      if (reply.status !== 206) [chunks, length] = [[], 0];
      try {
        for await (const chunk of reply.body ?? []) {
          chunks.push(chunk);
          length += chunk.length;
          if (length > limit) break;
        }
        if (length <= limit) return Buffer.concat(chunks);
      } catch (error) {
        if (attempt === ATTEMPTS)
          throw new RegistryUnreachable(`${this.base}: the connection breaks again and again: ${error}`);
      }
      if (length > limit)
        throw new Error(`${this.base}: the registry sent more than the ${limit} bytes of ${url}`);
      await pause(attempt);
      reply = await this.send("GET", url, { from: length, ...(accept && { accept }) });
      if (!reply.ok) throw await this.failure(`go on with ${url}`, reply);
    }
  }

  async failure(what: string, response: Response): Promise<Error> {
    const text = (await response.text()).trim().slice(0, 300);
    const advice =
      response.status === 401 || response.status === 403 ? "; log in with `docker login` first" : "";
    return new Error(`${this.base}: cannot ${what}: HTTP ${response.status} ${text}${advice}`);
  }

  private async attempt(
    method: string,
    url: string,
    { body, type, accept, range, from, attempts = ATTEMPTS }: RegistryRequest,
  ): Promise<Response> {
    const headers: Record<string, string> = {};
    if (this.authorization && this.isRegistry(url)) headers.authorization = this.authorization;
    if (type) headers["content-type"] = type;
    if (accept) headers.accept = accept;
    if (range) headers["content-range"] = range;
    if (from) headers.range = `bytes=${from}-`;
    for (let attempt = 1; ; attempt++) {
      let retryAfter = 0;
      try {
        const response = await fetch(url, { method, headers, body: (body as BodyInit) ?? null });
        if ((response.status < 500 && response.status !== 429) || attempt === attempts) return response;
        retryAfter = Number(response.headers.get("retry-after")) * 1000;
        await response.body?.cancel();
      } catch (error) {
        if (attempt === attempts)
          throw new RegistryUnreachable(
            `cannot reach the registry ${this.reference.registry}: ${causeOf(error)}`,
          );
      }
      await pause(attempt, retryAfter);
    }
  }

  private isRegistry(url: string): boolean {
    return new URL(url).origin === new URL(this.base).origin;
  }

  /**
   * Answers a challenge: Basic, or a Bearer token from the realm it names (distribution's token
   * specification).
   */
  private async authorize(challenge: string): Promise<string | undefined> {
    const credentials = await credentialsFor(this.reference.registry);
    if (!/^bearer/i.test(challenge)) return basic(credentials);
    const parameter = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1];
    const address = parameter("realm") ?? "";
    if (!URL.canParse(address))
      throw new Error(`${this.base}: asks for a token, but not where to get it: ${challenge}`);
    const realm = new URL(address);
    const service = parameter("service") ?? "";
    const scope = `repository:${this.reference.repository}:${this.actions}`;
    const asked =
      credentials && "identityToken" in credentials
        ? this.refresh(realm, service, scope, credentials.identityToken)
        : this.token(realm, service, scope, basic(credentials));
    const response = await asked.catch((error: Error) => {
      throw new Error(
        `${this.base}: cannot reach ${realm.origin}, which gives its tokens: ${causeOf(error)}`,
      );
    });
    if (!response.ok) throw await this.failure("get a token", response);
    const { token, access_token } = (await response.json()) as { token?: string; access_token?: string };
    const given = token ?? access_token;
    if (!given) throw new Error(`${this.base}: its token server ${realm.origin} gave none`);
    return `Bearer ${given}`;
  }

  private token(
    realm: URL,
    service: string,
    scope: string,
    authorization: string | undefined,
  ): Promise<Response> {
    if (service) realm.searchParams.set("service", service);
    realm.searchParams.set("scope", scope);
    return fetch(realm, authorization ? { headers: { authorization } } : {});
  }

  private refresh(realm: URL, service: string, scope: string, token: string): Promise<Response> {
    const form = {
      grant_type: "refresh_token",
      client_id: "modelgate",
      service,
      scope,
      refresh_token: token,
    };
    return fetch(realm, { method: "POST", body: new URLSearchParams(form) });
  }
}

/** Waits before the next attempt: twice as long each time, or as long as the registry says. */
export async function pause(attempt: number, retryAfterMs = 0): Promise<void> {
  const delay = retryAfterMs > 0 ? retryAfterMs : FIRST_DELAY_MS * 2 ** (attempt - 1);
  await sleep(Math.min(delay, LONGEST_DELAY_MS));
}

/** Why a fetch failed, which it tells in the cause of its error. */
function causeOf(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
}

function basic(credentials: Credentials | undefined): string | undefined {
  if (!credentials || "identityToken" in credentials) return undefined;
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64")}`;
}
