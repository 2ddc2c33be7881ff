import { createHash, createHmac } from "node:crypto";
import type { HeaderList } from "../../../tools/lib/host/header-pairs.ts";
import { authConfig, ISSUER, KEY, SHARED_SECRET } from "../../support/auth.ts";
import { mutate as mutateText, type Random } from "../../support/mutate.ts";
import { FuzzedFilter } from "../filter.ts";
import { anyValue, mutateJson, parsed, Raw, readsAlike, spell } from "../generate/json.ts";
import { check, type Harness, type Target } from "../target.ts";

/** Credentials of callers: what is not good must not pass, whatever it is. */

/** The only time there is, so that a case means the same whenever it is run. */
const NOW = 1_800_000_000;

const latin1 = (text: string) => Buffer.from(text, "latin1");

interface Credential {
  name: string;
  about: string;
  generate(random: Random): string;
  mutate(one: string, two: string, random: Random): string;
  /** The request that carries the input. */
  request(input: string): { headers: HeaderList; body?: string };
  /** May the request pass, must it, or can't this say? */
  reference(input: string): "good" | "bad" | "either";
}

function credentials(credential: Credential): Target {
  return {
    name: credential.name,
    about: credential.about,
    async open(): Promise<Harness> {
      const filter = await FuzzedFilter.start("tenant-auth", { tenantAuth: CONFIG });
      filter.vm.process.wall = BigInt(NOW) * 1_000_000_000n;
      filter.vm.tick();
      return {
        modules: [filter.counted],
        generate: (random) => latin1(credential.generate(random)),
        mutate: (one, two, random) =>
          latin1(credential.mutate(one.toString("latin1"), two.toString("latin1"), random).slice(0, 16_384)),
        run(bytes) {
          filter.begin(bytes.length + 2000);
          filter.vm.process.sharedData.clear();
          const input = bytes.toString("latin1");
          const { headers, body } = credential.request(input);
          const base: HeaderList = [
            [":method", "POST"],
            [":path", PATH],
            [":authority", "gateway.example"],
            [":scheme", "http"],
          ];
          const own = base.filter(([name]) => !headers.some(([each]) => each === name));
          const stream = filter.vm.open([...own, ...headers], body === undefined);
          if (!stream.reply && body !== undefined) stream.sendRequestBody(latin1(body), 7);
          const passed = !stream.reply && stream.filterState.has("modelgate.principal");
          const said = stream.reply?.body ?? "";
          stream.close();
          check(
            passed || [400, 401, 403, 413].includes(stream.reply?.status ?? 0),
            () => `it answers ${stream.reply?.status}`,
          );
          if (!passed) check(parsed(latin1(said)) !== undefined, () => `it answers ${said}`);
          const wanted = credential.reference(input);
          check(wanted !== "bad" || !passed, "it passes");
          check(wanted !== "good" || passed, () => `it is refused: ${said}`);
          return undefined;
        },
      };
    },
  };
}

const PATH = "/v2/models/m/infer";
const SIGNING_SECRET = Buffer.from("fedcba9876543210fedcba9876543210");
const jwks = { keys: [{ kty: "oct", kid: "hs", k: SHARED_SECRET.toString("base64url"), use: "sig" }] };
const CONFIG = {
  ...authConfig,
  issuers: [
    { issuer: ISSUER, audiences: ["models", "other"], jwks, algorithms: ["HS256"], leewaySeconds: 30 },
  ],
  tenants: authConfig.tenants.map((tenant) => ({
    ...tenant,
    credentials: tenant.credentials.filter(
      ({ token }: { token?: { issuer: string } }) => !token || token.issuer === ISSUER,
    ),
  })),
};

const base64url = (text: string) => latin1(text).toString("base64url");
const HEADER = JSON.stringify({ alg: "HS256", kid: "hs", typ: "JWT" });
const goodClaims = { iss: ISSUER, aud: "models", sub: "batch", exp: NOW + 600 };

/** Signs any header and claims as HS256, whatever they say. */
function sealed(header: string, payload: string): string {
  const text = `${base64url(header)}.${base64url(payload)}`;
  return `${text}.${createHmac("sha256", SHARED_SECRET).update(text).digest("base64url")}`;
}

const bearer = (token: string): { headers: HeaderList } => ({
  headers: [
    ["authorization", `Bearer ${token}`],
    ["taskid", "666"],
  ],
});

function anyClaims(random: Random): string {
  const or = (value: unknown, other: () => unknown) => (random.below(6) ? value : other());
  const any = () => anyValue(random, 2);
  const number = () =>
    new Raw(
      random.pick([
        `${NOW - 31}`,
        `${NOW + 31}`,
        `${NOW}.5`,
        "1e10",
        "1.8E9",
        "-1",
        "0",
        `${NOW}e0`,
        "18446744073709551616",
        "1e400",
      ]),
    );
  return spell(
    {
      iss: or(ISSUER, any),
      aud: or("models", () => random.pick([["x", "other"], [], ["models"], "mode", any()])),
      sub: or("batch", any),
      exp: or(NOW + 600, number),
      nbf: random.below(2) ? undefined : or(NOW - 5, number),
      iat: random.below(2) ? undefined : or(NOW - 5, number),
      jti: random.below(3) ? undefined : or("id", any),
      [`k${random.below(5)}`]: random.below(2) ? undefined : any(),
    },
    random,
  );
}

function claimsReference(payload: string): "good" | "bad" | "either" {
  const bytes = latin1(payload);
  const found = parsed(bytes);
  if (!found || typeof found.value !== "object" || found.value === null) return "bad";
  if (!readsAlike(bytes.toString())) return "either";
  const { iss, aud, sub, exp, nbf } = found.value as Record<string, unknown>;
  const audiences = Array.isArray(aud) ? aud : [aud];
  const named = audiences.some((each) => each === "models" || each === "other");
  if (iss !== ISSUER || sub !== "batch" || !named || typeof exp !== "number" || exp + 31 <= NOW) return "bad";
  if (nbf !== undefined && (typeof nbf !== "number" || nbf - 31 >= NOW)) return "bad";
  return "either";
}

const goodToken = sealed(HEADER, JSON.stringify(goodClaims));
const lines = (input: string) => input.split("\n");

/** The lines of a signed request: signature-input, signature, content-digest, taskid, path, body. */
function signedRequest(input: string, body: string, path: string): string {
  const digest = `sha-256=:${createHash("sha256").update(body, "latin1").digest("base64")}:`;
  const components = /^sig1=\(([^)]*)\)/.exec(input)?.[1] ?? "";
  const query = path.indexOf("?");
  const values: Record<string, string> = {
    "@method": "POST",
    "@path": query < 0 ? path : path.slice(0, query),
    "@query": query < 0 ? "?" : path.slice(query),
    "@request-target": path,
    "@authority": "gateway.example",
    "@scheme": "http",
    "@target-uri": `http://gateway.example${path}`,
    taskid: "666",
    "content-digest": digest,
  };
  const base = [...components.matchAll(/"([^"]*)"(?:;name="([^"]*)")?/g)].map(
    ([text, name = "", parameter]) =>
      `${text}: ${parameter === undefined ? (values[name] ?? "") : queryValue(path, parameter)}`,
  );
  const text = [...base, `"@signature-params": ${input.slice("sig1=".length)}`].join("\n");
  const mac = createHmac("sha256", SIGNING_SECRET).update(text, "latin1").digest("base64");
  return [input, `sig1=:${mac}:`, digest, "666", path, body].join("\n");
}

/** As RFC 9421, section 2.2.8, has it. */
function queryValue(path: string, name: string): string {
  const query = path.slice(path.indexOf("?") + 1);
  const value = new URLSearchParams(query).get(name) ?? "";
  return encodeURIComponent(value).replace(
    /[!'()~]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

const FURTHER = ["@query", "@authority", "@request-target", "@scheme", "@target-uri"];
const NEEDED = ["@method", "@path", "taskid", "content-digest"];

function anySignature(random: Random): string {
  const path = random.pick([PATH, `${PATH}?a=b`, `${PATH}?`, `${PATH}?a=b+c&d=%2f~`]);
  const names = [
    ...NEEDED,
    ...(path.includes("?") ? ["@query"] : []),
    ...(random.below(3) ? [] : ["@authority", "@request-target"]),
    ...(random.below(3) ? [] : ["@scheme", "@target-uri"]),
  ];
  const parameters = [
    `created=${NOW - random.below(50)}`,
    'keyid="search/signer"',
    `nonce="${random.below(2 ** 32)}"`,
    ...(random.below(2) ? [] : ['alg="hmac-sha256"']),
    ...(random.below(3) ? [] : [`expires=${NOW + random.below(50)}`]),
  ];
  const parts = names.map((name) => `"${name}"`);
  if (path.includes("a=b") && random.below(2)) {
    const parameter = (name: string) => `"@query-param";name="${name}"`;
    parts.splice(
      parts.indexOf('"@query"'),
      1,
      parameter("a"),
      ...(path.includes("&d=") ? [parameter("d")] : []),
    );
  }
  const input = `sig1=(${parts.join(" ")});${parameters.join(";")}`;
  return signedRequest(input, '{"inputs":[]}', path);
}

export const authentication: Target[] = [
  {
    name: "api-key",
    about: "API keys in headers and queries: only the key passes",
    generate: (random: Random) =>
      `${random.pick(["x-api-key", "api-key", "authorization"])}\n${random.pick([KEY, `ApiKey ${KEY}`, `Bearer ${KEY}`, "second"])}\n${PATH}${random.pick(["", `?api_key=${KEY}`, "?a=b&api_key=second#x"])}`,
    mutate: (one: string, _two: string, random: Random) => mutateText(one, random),
    request(input: string) {
      const [name = "", value = "", path = ""] = lines(input);
      return {
        headers: [
          [name.toLowerCase() || "x", value],
          ["taskid", "666"],
          [":path", path],
        ] as HeaderList,
      };
    },
    reference(input: string) {
      const [name = "", value = "", path = ""] = lines(input);
      const key = [KEY, "second"];
      const header =
        ["x-api-key", "api-key", "authorization"].includes(name.toLowerCase()) &&
        key.some((each) => value.includes(each));
      const parameter = key.some((each) => path.includes(`=${each}`));
      return header || parameter ? "either" : "bad";
    },
  },
  {
    name: "token",
    about: "a JSON Web Token as it stands: only the good one passes",
    generate: () => goodToken,
    mutate: (one: string, two: string, random: Random) =>
      random.below(4)
        ? mutateText(one, random)
        : one.slice(0, random.below(one.length + 1)) + two.slice(random.below(two.length + 1)),
    request: bearer,
    reference: (input: string) => (input.trim() === goodToken ? "either" : "bad"),
  },
  {
    name: "token-header",
    about: "a token's header, signed whatever it says",
    generate: (random: Random) =>
      spell(
        {
          alg: random.pick(["HS256", "HS256", "none", "RS256", "hs256", ""]),
          kid: random.pick(["hs", undefined, "no", ""]),
          typ: "JWT",
          crit: random.below(5) ? undefined : ["b64"],
          k: anyValue(random, 2),
        },
        random,
      ),
    mutate: (one: string, two: string, random: Random) =>
      mutateJson(one, two, random, ['"alg"', '"kid"', '"HS256"', '"crit"', '"none"']),
    request: (input: string) => bearer(sealed(input, JSON.stringify(goodClaims))),
    reference(input: string) {
      const value = parsed(latin1(input))?.value as Record<string, unknown> | undefined;
      if (!readsAlike(latin1(input).toString())) return "either";
      return value?.alg === "HS256" && (value.kid === "hs" || value.kid === undefined) ? "either" : "bad";
    },
  },
  {
    name: "token-claims",
    about: "a token's claims, signed whatever they say: JSON.parse and the clock say whether they pass",
    generate: anyClaims,
    mutate: (one: string, two: string, random: Random) =>
      mutateJson(one, two, random, [
        '"iss"',
        '"aud"',
        '"exp"',
        '"nbf"',
        '"sub"',
        '"models"',
        `${NOW}`,
        `${NOW + 600}`,
      ]),
    request: (input: string) => bearer(sealed(HEADER, input)),
    reference: claimsReference,
  },
  {
    name: "message-signature",
    about: "HTTP message signatures (RFC 9421): the signed request passes, no other",
    generate: anySignature,
    mutate(one: string, two: string, random: Random) {
      const parts = lines(one);
      const at = random.below(parts.length);
      const other = lines(two)[at] ?? "";
      const part = parts[at] ?? "";
      parts[at] =
        random.below(4) === 0
          ? part.slice(0, random.below(part.length + 1)) + other.slice(random.below(other.length + 1))
          : mutateText(part, random);
      // Signed anew in half of the cases, so that what the signature says is what is wrong with it.
      const [input = "", , , , path = "", body = ""] = parts;
      return (random.below(2) ? parts.join("\n") : signedRequest(input, body, path)).replace(/\0/g, "");
    },
    request(input: string) {
      const [signatureInput = "", signature = "", digest = "", taskid = "", path = "", ...body] =
        lines(input);
      return {
        headers: [
          [":path", path],
          ["taskid", taskid],
          ["content-digest", digest],
          ["signature-input", signatureInput],
          ["signature", signature],
        ] as HeaderList,
        body: body.join("\n"),
      };
    },
    reference(input: string) {
      const [signatureInput = "", signature = "", digest = "", taskid = "", path = "", ...rest] =
        lines(input);
      const body = rest.join("\n");
      // Only what this very generator signs is known to be good or bad: one label, quoted names without parameters.
      const fair = signedRequest(signatureInput, body, path);
      const covered =
        NEEDED.every((name) => signatureInput.includes(`"${name}"`)) &&
        (!path.includes("?") || signatureInput.includes('"@query"'));
      const simple =
        /^sig1=\(("[a-z@-]+"( "[a-z@-]+")*)\);created=(\d{1,15});keyid="search\/signer";nonce="\d+"(;alg="hmac-sha256")?(;expires=(\d{1,15}))?$/.exec(
          signatureInput,
        );
      if (simple && covered && taskid === "666" && fair === input) {
        const names = simple[1]?.split(" ") ?? [];
        const timely =
          Math.abs(Number(simple[3]) - NOW) < 50 && (simple[6] === undefined || Number(simple[6]) > NOW);
        const known = names.every((name) => [...NEEDED, ...FURTHER].includes(name.slice(1, -1)));
        if (timely && known && new Set(names).size === names.length && path.startsWith("/")) return "good";
        return "either";
      }
      const authentic = signature === lines(fair)[1] && digest === lines(fair)[2];
      return covered && authentic
        ? "either"
        : signature.includes("sig1") && !covered
          ? "either"
          : authentic
            ? "either"
            : loosely(signatureInput)
              ? "either"
              : "bad";
    },
  },
].map((each) => credentials(each as Credential));

/** Could a reader take this for what another spelling of it says? Then this file's own signer may be wrong about it. */
function loosely(signatureInput: string): boolean {
  return !/^sig1=\([^()]*\);[^()]*$/.test(signatureInput);
}
