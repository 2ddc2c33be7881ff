import { setTimeout as sleep } from "node:timers/promises";
import { type Credentials, credentialsFor } from "./credentials.ts";
import type { Reference } from "./reference.ts";

const ATTEMPTS = 4;
const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 10_000;
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

export interface RegistryOptions {
  /** Speak HTTP to a registry that is not on this machine. */
  plainHttp?: boolean;
}

export interface Upload {
  bytes: Uint8Array;
  type: string;
}

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

  /** @param accept media types to ask for */
  async send(method: string, url: string, upload?: Upload, accept?: string): Promise<Response> {
    const response = await this.attempt(method, url, upload, accept);
    if (response.status !== 401) return response;
    const authorization = await this.authorize(response.headers.get("www-authenticate") ?? "");
    if (authorization === undefined || authorization === this.authorization) return response;
    this.authorization = authorization;
    return this.attempt(method, url, upload, accept);
  }

  async failure(what: string, response: Response): Promise<Error> {
    const text = (await response.text()).trim().slice(0, 300);
    const advice =
      response.status === 401 || response.status === 403 ? "; log in with `docker login` first" : "";
    return new Error(`${this.base}: cannot ${what}: HTTP ${response.status} ${text}${advice}`);
  }

  /** One request, tried again with growing pauses while the registry is unreachable or overloaded. */
  private async attempt(method: string, url: string, upload?: Upload, accept?: string): Promise<Response> {
    const headers: Record<string, string> = {};
    // A blob may come from elsewhere, which must not see the credentials.
    if (this.authorization && new URL(url).origin === new URL(this.base).origin)
      headers.authorization = this.authorization;
    if (upload) headers["content-type"] = upload.type;
    if (accept) headers.accept = accept;
    for (let attempt = 1; ; attempt++) {
      let delay = FIRST_DELAY_MS * 2 ** (attempt - 1);
      try {
        const response = await fetch(url, { method, headers, body: (upload?.bytes as BodyInit) ?? null });
        if ((response.status < 500 && response.status !== 429) || attempt === ATTEMPTS) return response;
        const retryAfter = Number(response.headers.get("retry-after")) * 1000;
        if (retryAfter > 0) delay = Math.min(retryAfter, LONGEST_DELAY_MS);
        await response.body?.cancel();
      } catch (error) {
        const cause =
          error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
        if (attempt === ATTEMPTS)
          throw new Error(`cannot reach the registry ${this.reference.registry}: ${cause}`);
      }
      await sleep(delay);
    }
  }

  /** Answers a challenge: Basic, or a Bearer token from the realm it names (distribution's token specification). */
  private async authorize(challenge: string): Promise<string | undefined> {
    const credentials = await credentialsFor(this.reference.registry);
    if (!/^bearer/i.test(challenge)) return basic(credentials);
    const parameter = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1];
    const realm = new URL(parameter("realm") ?? "");
    const service = parameter("service") ?? "";
    const scope = `repository:${this.reference.repository}:${this.actions}`;
    const response =
      credentials && "identityToken" in credentials
        ? await this.refresh(realm, service, scope, credentials.identityToken)
        : await this.token(realm, service, scope, basic(credentials));
    if (!response.ok) throw await this.failure("get a token", response);
    const { token, access_token } = (await response.json()) as { token?: string; access_token?: string };
    return `Bearer ${token ?? access_token}`;
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

function basic(credentials: Credentials | undefined): string | undefined {
  if (!credentials || "identityToken" in credentials) return undefined;
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64")}`;
}
