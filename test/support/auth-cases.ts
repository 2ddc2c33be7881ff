import { createHash, createPublicKey } from "node:crypto";
import {
  attacker,
  BOTH_ISSUER,
  bearer,
  type Call,
  CLIENT_ISSUER,
  claims,
  ISSUER,
  jwt,
  KEY,
  REVOKED_JTI,
  REVOKED_KEY,
  rsa,
  seconds,
  signed,
} from "./auth.ts";

/**
 * What a request is, and why it is refused; no reason: it is let through. Lists are made when they are asked
 * for, as tokens and signatures say when they were made.
 */
export type AuthCase = [name: string, call: Call, reason?: string];

const key = (value: string, ...more: [string, string][]): Call => ({
  headers: [["x-api-key", value], ["taskid", "666"], ...more],
});
const query = (value: string): Call => ({
  path: `/v2/models/m/infer?api_key=${value}&x=1`,
  headers: [["taskid", "666"]],
});
const task = (taskid: string, ...more: [string, string][]): Call => ({
  headers: [["x-api-key", KEY], ["taskid", taskid], ...more],
});
const open = (second: string): Call => ({
  headers: [
    ["taskid", "open"],
    ["taskid", second],
  ],
});
const post = (taskid = "666"): Call => ({ headers: [["taskid", taskid]], body: '{"inputs":[]}' });

const rsaPem = createPublicKey(rsa.privateKey).export({ format: "pem", type: "spki" }) as string;
const middle = (token: string) => token.slice(0, -10) + (token.at(-10) === "A" ? "B" : "A") + token.slice(-9);
const shared = (more: Record<string, unknown>) =>
  jwt({ claims: { ...claims(more), iss: "https://shared.example" } });
const byClient = (more: Record<string, unknown>) =>
  jwt({ claims: { ...claims({ aud: undefined, ...more }), iss: CLIENT_ISSUER } });
const byBoth = (more: Record<string, unknown>) => jwt({ claims: { ...claims(more), iss: BOTH_ISSUER } });
const twoClients = () =>
  jwt({
    claims: JSON.stringify({ ...claims(), iss: CLIENT_ISSUER }).replace(
      "{",
      '{"client_id":"app","client_id":"shop",',
    ),
  });

export const apiKeyCases = (): AuthCase[] => [
  ["key in the first header", key(KEY)],
  [
    "key in the second header",
    {
      headers: [
        ["api-key", "second"],
        ["taskid", "666"],
      ],
    },
  ],
  [
    "key as bearer, scheme in any case",
    {
      headers: [
        ["authorization", `bEaReR ${KEY}`],
        ["taskid", "666"],
      ],
    },
  ],
  ["key in the query", { path: `/v2/models/m/infer?api_key=${KEY}&x=1`, headers: [["taskid", "666"]] }],
  ["no credential", { headers: [["taskid", "666"]] }, "credential_missing"],
  ["empty key", key(""), "credential_missing"],
  ["empty key beside a good one", key("", ["api-key", KEY])],
  ["empty key beside a good bearer", key("", ["authorization", `Bearer ${KEY}`])],
  ["empty authorization beside a good key", key(KEY, ["authorization", ""])],
  ["bearer of nothing", bearerless("Bearer "), "credential_missing"],
  ["empty key in the query beside a good one", { ...key(KEY), path: "/x?api_key=" }],
  ["two keys, one of them empty", key("", ["x-api-key", KEY]), "credential_ambiguous"],
  ["key in the query, percent-encoded", query(`%6B${KEY.slice(2)}%6b`)],
  ["key in the query with a plus, encoded", query("a%2Bb%2f")],
  ["key in the query with a plus as it is", query("a+b/")],
  ["key in the query, encoded twice", query("a%252Bb%252f"), "credential_unknown"],
  ["key in the query, badly encoded", query(`${KEY}%`), "credential_unknown"],
  ["key in the query, encoding cut short", query(`${KEY}%6`), "credential_unknown"],
  ["key cut short", key(KEY.slice(1)), "credential_unknown"],
  ["key with a byte more", key(`${KEY}k`), "credential_unknown"],
  ["key in the other case", key(KEY.toUpperCase()), "credential_unknown"],
  ["the key's own hash", key("0".repeat(64)), "credential_unknown"],
  ["key that is not UTF-8", key("\xff\xfe\x80"), "credential_unknown"],
  ["bearer with two spaces", bearerless(`Bearer  ${KEY}`)],
  ["bearer with many spaces", bearerless(`bearer${" ".repeat(40)}${KEY}`)],
  ["bearer with a tab", bearerless(`Bearer\t${KEY}`), "credential_unknown"],
  [
    "two authorizations",
    key(KEY, ["authorization", "Basic x"], ["authorization", "Bearer x"]),
    "credential_ambiguous",
  ],
  ["two authorizations, alike", authorizations(`Bearer ${KEY}`, `Bearer ${KEY}`), "credential_ambiguous"],
  ["two authorizations in one header", bearerless(`Bearer ${KEY},Bearer ${KEY}`), "credential_ambiguous"],
  [
    "two authorizations in one header, one unknown",
    bearerless(`Basic x, Bearer ${KEY}`),
    "credential_ambiguous",
  ],
  ["an empty authorization and another in one header", bearerless(`,Bearer ${KEY}`), "credential_ambiguous"],
  ["a scheme with commas of its own", bearerless('Digest username="a", uri="/"'), "credential_unknown"],
  ["basic authorization", bearerless(`Basic ${KEY}`), "credential_unknown"],
  ["authorization without a scheme", bearerless(KEY), "credential_unknown"],
  ["oversize key", key("k".repeat(20_000)), "token_too_large"],
  ["disabled", key("disabled"), "credential_disabled"],
  ["expired", key("expired"), "credential_expired"],
  ["not yet valid", key("future"), "credential_not_yet_valid"],
  ["revoked by its digest", key(REVOKED_KEY), "credential_revoked"],
  ["revoked by its id", key("another-revoked-key"), "credential_revoked"],
  ["two keys", key(KEY, ["x-api-key", "second"]), "credential_ambiguous"],
  ["the same key twice", key(KEY, ["x-api-key", KEY]), "credential_ambiguous"],
  ["keys in both headers", key(KEY, ["api-key", KEY]), "credential_ambiguous"],
  ["key and bearer", key(KEY, ["authorization", `Bearer ${KEY}`]), "credential_ambiguous"],
  ["key and signature", signed({ ...key(KEY), body: "x" }), "credential_ambiguous"],
  ["key in header and query", { ...key(KEY), path: `/x?api_key=${KEY}` }, "credential_ambiguous"],
  [
    "key twice in the query",
    { path: "/x?api_key=a&api_key=b", headers: [["taskid", "666"]] },
    "credential_ambiguous",
  ],
];

function bearerless(authorization: string): Call {
  return {
    headers: [
      ["authorization", authorization],
      ["taskid", "666"],
    ],
  };
}

function authorizations(...values: string[]): Call {
  return {
    headers: [...values.map((value): [string, string] => ["authorization", value]), ["taskid", "666"]],
  };
}

export const permissionCases = (): AuthCase[] => [
  ["no task", { headers: [["x-api-key", KEY]] }, "task_missing"],
  ["empty task", task(""), "task_missing"],
  ["two tasks", task("666", ["taskid", "search-1"]), "task_ambiguous"],
  ["the same task twice", task("666", ["taskid", "666"]), "task_ambiguous"],
  ["two tasks in one header", task("666, 667"), "task_forbidden"],
  ["task name in another case", task("SEARCH-1"), "task_forbidden"],
  [
    "header name in another case",
    {
      headers: [
        ["X-API-KEY", KEY],
        ["TaskId", "666"],
      ],
    },
  ],
  ["task of nobody", task("667"), "task_forbidden"],
  ["longer task", task("6666"), "task_forbidden"],
  ["task of another tenant", task("ads-1"), "task_forbidden"],
  ["task by prefix", task("search-1")],
  ["the prefix itself", task("search-")],
  ["less than the prefix", task("search"), "task_forbidden"],
  ["exact grant beside a prefix: union", task("search-secret", ["version", "v9"])],
  ["version", task("v", ["version", "v1"])],
  ["no version asked for", task("v")],
  ["other version", task("v", ["version", "v10"]), "version_forbidden"],
  ["two versions", task("v", ["version", "v1"], ["version", "v2"]), "task_ambiguous"],
  [
    "narrowed by prefix",
    {
      headers: [
        ["x-api-key", "narrow-key"],
        ["taskid", "search-abc"],
      ],
    },
  ],
  [
    "outside of what it is narrowed to",
    {
      headers: [
        ["x-api-key", "narrow-key"],
        ["taskid", "search-b"],
      ],
    },
    "task_forbidden",
  ],
  [
    "outside of the narrowed version",
    {
      headers: [
        ["x-api-key", "narrow-key"],
        ["taskid", "666"],
        ["version", "v2"],
      ],
    },
    "version_forbidden",
  ],
  ["method", { ...key("get-only"), method: "GET" }],
  ["HEAD where GET is allowed", { ...key("get-only"), method: "HEAD" }],
  ["other method", { ...key("get-only"), body: "{}" }, "method_forbidden"],
  ["host, with port and in any case", { ...key("one-host"), authority: "Models.Example:8866" }],
  ["host by suffix", { ...key("one-host"), authority: "a.b.search.example" }],
  ["suffix alone", { ...key("one-host"), authority: ".search.example" }, "host_forbidden"],
  ["host that ends likewise", { ...key("one-host"), authority: "evilmodels.example" }, "host_forbidden"],
  ["task that is open", { headers: [["taskid", "open"]] }],
  ["task that is open, and another", open("666"), "credential_missing"],
  ["task that is open twice", open("open"), "credential_missing"],
  [
    "task on trial: let through",
    {
      headers: [
        ["x-api-key", "bad"],
        ["taskid", "trial"],
      ],
    },
  ],
  [
    "task on trial, and another",
    {
      headers: [
        ["x-api-key", "bad"],
        ["taskid", "trial"],
        ["taskid", "666"],
      ],
    },
    "credential_unknown",
  ],
  [
    "tenant on trial: let through",
    {
      headers: [
        ["x-api-key", "ads-key"],
        ["taskid", "666"],
      ],
    },
  ],
];

const hs256 = () => jwt({ alg: "HS256", kid: "hs" });

/** A token or header whose base64 of 32 bytes at the end says another last byte. */
function lastByte(text: string, encoding: "base64" | "base64url" = "base64url"): string {
  return changedByte(text, 31, encoding);
}

function firstByte(text: string): string {
  return changedByte(text, 0, "base64url");
}

function changedByte(text: string, at: number, encoding: "base64" | "base64url"): string {
  const length = encoding === "base64" ? 44 : 43;
  const bytes = Buffer.from(text.slice(-length), encoding);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return text.slice(0, -length) + bytes.toString(encoding);
}

/** What is put before and behind good claims. */
const TWICE: [name: string, before: string, behind?: string][] = [
  ["nbf twice, the first one in the future", '"nbf":9999999999', '"nbf":0'],
  ["nbf twice, both past", '"nbf":1', '"nbf":2'],
  ["sub twice", '"sub":"batch2"'],
  ["sub twice, the first one empty", '"sub":""'],
  ["sub twice, written otherwise", '"\\u0073ub":""'],
  ["aud twice", '"aud":"models"'],
  ["aud twice, the first one a list", '"aud":[]'],
  ["jti twice, the first one empty", '"jti":""', '"jti":"a"'],
  ["exp twice, the last one null", '"a":1', '"exp":null'],
];

export const tokenCases = (): AuthCase[] => [
  ...["RS256", "RS384", "RS512", "PS256"].map((alg): AuthCase => [alg, bearer(jwt({ alg }))]),
  ["ES256", bearer(jwt({ alg: "ES256", kid: "p256" }))],
  ["ES384", bearer(jwt({ alg: "ES384", kid: "p384" }))],
  ["HS256", bearer(jwt({ alg: "HS256", kid: "hs" }))],
  ["audience in a list", bearer(jwt({ claims: claims({ aud: ["x", "other"] }) }))],
  ["HS256 with the last byte of its signature changed", bearer(lastByte(hs256())), "token_signature"],
  ["HS256 with the first byte of its signature changed", bearer(firstByte(hs256())), "token_signature"],
  ["not yet valid, within the leeway", bearer(jwt({ claims: claims({ nbf: seconds() + 20 }) }))],
  [
    "not yet valid, beyond the leeway",
    bearer(jwt({ claims: claims({ nbf: seconds() + 58 }) })),
    "token_not_yet_valid",
  ],
  ["expired within the leeway", bearer(jwt({ claims: claims({ exp: seconds() - 10 }) }))],
  ["exp with a fraction", bearer(jwt({ claims: claims({ exp: seconds() + 60.5 }) }))],
  [
    "unknown claims of all kinds",
    bearer(jwt({ claims: claims({ a: [{}, [1e-3, -0], null, true, false, "\u{1f600}"] }) })),
  ],
  [
    "claim names with escapes",
    bearer(jwt({ claims: JSON.stringify(claims()).replace('"iss"', '"\\u0069ss"') })),
  ],
  ["client id and no audience", bearer(byClient({ client_id: "shop" }))],
  ["client id and any audience", bearer(byClient({ client_id: "app", aud: ["whoever"] }))],
  ["client id of nobody", bearer(byClient({ client_id: "other" })), "token_client"],
  ["client id missing", bearer(byClient({ aud: "app" })), "token_client"],
  ["client id no string", bearer(byClient({ client_id: ["app"] })), "token_claims"],
  ["client id twice", bearer(twoClients()), "token_claims"],
  ["client id and audience both checked", bearer(byBoth({ client_id: "app" }))],
  ["client id checked, audience missing", bearer(byBoth({ client_id: "app", aud: undefined }))],
  ["client id good, audience wrong", bearer(byBoth({ client_id: "app", aud: "x" })), "token_audience"],
  ["audience good, client id wrong", bearer(byBoth({ client_id: "x" })), "token_client"],
  ["audience good, client id missing", bearer(byBoth({})), "token_client"],
  ["alg none", bearer(jwt({ alg: "none", signature: "" })), "token_algorithm"],
  ["alg None", bearer(jwt({ alg: "None", signature: "" })), "token_algorithm"],
  ["alg none with a signature", bearer(jwt({ header: { alg: "none" } })), "token_algorithm"],
  ["alg missing", bearer(jwt({ header: { alg: undefined } })), "token_malformed"],
  ["alg twice", bearer(withHeader('{"alg":"RS256","alg":"none","kid":"rsa"}')), "token_malformed"],
  ["EdDSA", bearer(jwt({ header: { alg: "EdDSA" } })), "token_algorithm"],
  ["algorithm that the issuer does not use", bearer(rsOnly("RS384")), "token_algorithm"],
  [
    "HS256 with the public key as secret",
    bearer(jwt({ alg: "HS256", kid: "rsa", key: Buffer.from(rsaPem) })),
    "token_key_unknown",
  ],
  ["HS256 for an issuer of public keys", bearer(rsOnly("HS256")), "token_algorithm"],
  [
    "RS256 with a key kept for RS512",
    bearer(jwt({ kid: "only-rs512", key: attacker.privateKey })),
    "token_key_unknown",
  ],
  ["ES256 with the key of another curve", bearer(jwt({ alg: "ES256", kid: "p384" })), "token_key_unknown"],
  ["unknown kid", bearer(jwt({ kid: "nobody" })), "token_key_unknown"],
  ["kid as a path", bearer(jwt({ kid: "../../../../dev/null" })), "token_key_unknown"],
  ["kid as SQL", bearer(jwt({ kid: "rsa' OR '1'='1" })), "token_key_unknown"],
  ["kid of another type", bearer(jwt({ header: { kid: 7 } })), "token_malformed"],
  ["no kid, one key fits", bearer(jwt({ alg: "ES256", kid: undefined }))],
  ["no kid, several keys fit", bearer(jwt({ alg: "RS512", kid: undefined })), "token_key_unknown"],
  [
    "key in the header",
    bearer(jwt({ header: { jwk: attacker.publicKey.export({ format: "jwk" }) }, key: attacker.privateKey })),
    "token_signature",
  ],
  ["crit", bearer(jwt({ header: { crit: ["exp"] } })), "token_malformed"],
  ["unencoded payload", bearer(jwt({ header: { b64: false } })), "token_malformed"],
  ["signature of another key", bearer(jwt({ key: attacker.privateKey })), "token_signature"],
  ["signature of a bit less", bearer(middle(jwt())), "token_signature"],
  ["no signature", bearer(jwt({ signature: "" })), "token_signature"],
  ["signature cut short", bearer(jwt().slice(0, -2)), "token_signature"],
  [
    "ES256 signature of zeros",
    bearer(jwt({ alg: "ES256", kid: "p256", signature: "A".repeat(86) })),
    "token_signature",
  ],
  ["claims changed", bearer(swapClaims(claims({ sub: "admin" }))), "token_signature"],
  ["padding", bearer(`${jwt({ alg: "ES256", kid: "p256" })}==`), "token_malformed"],
  ["claims that are no JSON", bearer(jwt({ claims: "{" })), "token_malformed"],
  [
    "claims with something behind",
    bearer(jwt({ claims: `${JSON.stringify(claims())}x` })),
    "token_malformed",
  ],
  ["claims that are a list", bearer(jwt({ claims: "[]" })), "token_malformed"],
  [
    "claims that are not UTF-8",
    bearer(jwt({ claims: Buffer.from('{"iss":"\xff"}', "latin1") })),
    "token_malformed",
  ],
  ["claims nested too deeply", bearer(jwt({ claims: `{"a":${"[".repeat(5000)}` })), "token_malformed"],
  [
    "claims nested too deeply, and closed",
    bearer(jwt({ claims: `{"a":${"[".repeat(40)}${"]".repeat(40)},${JSON.stringify(claims()).slice(1)}` })),
    "token_malformed",
  ],
  ["issuer twice", bearer(jwt({ claims: `{"iss":"x","iss":"${ISSUER}"}` })), "token_malformed"],
  ["two dots and nothing else", bearer(".."), "token_malformed"],
  ["expired", bearer(jwt({ claims: claims({ exp: seconds() - 40 }) })), "token_expired"],
  ["exp as a string", bearer(jwt({ claims: claims({ exp: "9999999999" }) })), "token_claims"],
  [
    "exp twice",
    bearer(jwt({ claims: `${JSON.stringify(claims()).slice(0, -1)},"exp":9999999999}` })),
    "token_claims",
  ],
  ["no exp", bearer(jwt({ claims: claims({ exp: undefined }) })), "token_claims"],
  ["exp of 400 decimals", bearer(jwt({ claims: withExp(`${seconds() + 600}.${"3".repeat(400)}`) }))],
  ["exp of 400 decimals, over", bearer(jwt({ claims: withExp(`1.${"9".repeat(400)}`) })), "token_expired"],
  [
    "exp that is zero in 400 decimals",
    bearer(jwt({ claims: withExp(`0.${"0".repeat(400)}`) })),
    "token_expired",
  ],
  [
    "exp of 400 decimals and an exponent",
    bearer(jwt({ claims: withExp(`0.${"0".repeat(399)}${seconds() + 600}e${399 + 10}`) })),
  ],
  ...TWICE.map(
    ([name, before, behind]): AuthCase => [
      `${name}: refused`,
      bearer(
        jwt({ claims: `{${before},${JSON.stringify(claims()).slice(1, -1)}${behind ? `,${behind}` : ""}}` }),
      ),
      "token_claims",
    ],
  ),
  [
    "tenant twice, the first one empty",
    bearer(jwt({ claims: sharedTwice('"department":"","department":"search"', '"scope":"666"') })),
    "token_claims",
  ],
  [
    "tasks twice, the first ones none",
    bearer(jwt({ claims: sharedTwice('"scope":"","scope":"666"', '"department":"search"') })),
    "token_claims",
  ],
  [
    "client id twice, the first one empty",
    bearer(
      jwt({
        claims: JSON.stringify({ ...claims(), iss: CLIENT_ISSUER }).replace(
          "{",
          '{"client_id":"","client_id":"app",',
        ),
      }),
    ),
    "token_claims",
  ],
  ["a claim twice that nobody reads", bearer(jwt({ claims: claims({ a: 1 }) }))],
  ["exp below zero", bearer(jwt({ claims: claims({ exp: -1 }) })), "token_expired"],
  [
    "exp beyond all numbers",
    bearer(jwt({ claims: JSON.stringify(claims()).replace(/"exp":\d+/, '"exp":1e999') })),
  ],
  ["not yet valid", bearer(jwt({ claims: claims({ nbf: seconds() + 60 }) })), "token_not_yet_valid"],
  ["other audience", bearer(jwt({ claims: claims({ aud: "model" }) })), "token_audience"],
  ["no audience", bearer(jwt({ claims: claims({ aud: undefined }) })), "token_audience"],
  ["audience of another type", bearer(jwt({ claims: claims({ aud: { models: 1 } }) })), "token_claims"],
  ["other issuer", bearer(jwt({ claims: claims({ iss: `${ISSUER}/` }) })), "token_issuer"],
  ["no issuer", bearer(jwt({ claims: claims({ iss: undefined }) })), "token_issuer"],
  ["unknown subject", bearer(jwt({ claims: claims({ sub: "batch2" }) })), "credential_unknown"],
  ["subject of another type", bearer(jwt({ claims: claims({ sub: ["batch"] }) })), "token_claims"],
  ["revoked by jti", bearer(jwt({ claims: claims({ jti: REVOKED_JTI }) })), "token_revoked"],
  ["other jti", bearer(jwt({ claims: claims({ jti: "mine" }) }))],
  ["token of 64 KB", bearer(jwt({ claims: claims({ x: "y".repeat(48_000) }) })), "token_too_large"],
  [
    "token as API key",
    {
      headers: [
        ["x-api-key", jwt()],
        ["taskid", "666"],
      ],
    },
    "credential_unknown",
  ],
  ["tenant and tasks from claims", bearer(shared({ department: "search", scope: "search-a* 666" }))],
  ["tasks as a list", bearer(shared({ department: "search", scope: ["666"] }))],
  [
    "task outside of the token's",
    bearer(shared({ department: "search", scope: "search-*" })),
    "task_forbidden",
  ],
  [
    "another task as long as the token's",
    bearer(shared({ department: "search", scope: "search-* 66x" })),
    "task_forbidden",
  ],
  [
    "task of the token, not of the tenant",
    bearer(shared({ department: "search", scope: "ads-1" }), "ads-1"),
    "task_forbidden",
  ],
  ["no tasks in the token", bearer(shared({ department: "search", scope: "" })), "task_forbidden"],
  ["no list of tasks", bearer(shared({ department: "search" })), "token_claims"],
  ["no tenant in the token", bearer(shared({ scope: "666" })), "token_claims"],
  ["unknown tenant", bearer(shared({ department: "hr", scope: "666" })), "credential_unknown"],
];

function withExp(exp: string): string {
  return JSON.stringify(claims()).replace(/"exp":\d+/, `"exp":${exp}`);
}

function sharedTwice(...members: string[]): string {
  return `{${members.join(",")},${JSON.stringify({ ...claims(), iss: "https://shared.example" }).slice(1)}`;
}

function rsOnly(alg: string): string {
  return jwt({
    alg,
    kid: alg === "HS256" ? "hs" : "rsa",
    claims: claims({ iss: "https://rs-only.example" }),
  });
}

function withHeader(header: string): string {
  const [, ...rest] = jwt().split(".");
  return [Buffer.from(header).toString("base64url"), ...rest].join(".");
}

function swapClaims(other: object): string {
  const [header, , signature] = jwt().split(".");
  return [header, Buffer.from(JSON.stringify(other)).toString("base64url"), signature].join(".");
}

const withQuery = (options = {}) => signed({ ...post(), path: "/v2/models/m/infer?a=b" }, options);

/** Without the colon at its end. */
const BODY_DIGEST = `sha-256=:${createHash("sha256").update('{"inputs":[]}').digest("base64")}`;

function lastByteOf(call: Call, name: string): Call {
  const [, value = ""] = call.headers.find(([each]) => each === name) ?? [];
  return edit(call, name, `${lastByte(value.slice(0, -1), "base64")}:`);
}

export function signatureCases(): AuthCase[] {
  const unnonced = signed(post(), { params: `;created=${seconds()};keyid="search/signer"` });
  const replayed = signed(post(), { nonce: "said-before" });
  return [
    ["signed", signed(post())],
    ["signed, without a body", signed({ method: "GET", headers: [["taskid", "666"]] })],
    [
      "signed, with query, version and host",
      signed(
        {
          ...post(),
          path: "/x?a=b",
          headers: [
            ["taskid", "v"],
            ["version", "v1"],
          ],
        },
        { components: ["@method", "@path", "@query", "@authority", "taskid", "version", "content-digest"] },
      ),
    ],
    [
      "signed over the request target",
      signed(
        { ...post(), path: "/x" },
        { components: ["@method", "@request-target", "@path", "taskid", "content-digest"] },
      ),
    ],
    [
      "under another label, with alg, expires and tag",
      signed(post(), {
        label: "mine",
        params: `;keyid="search/signer";alg="hmac-sha256";nonce="n1";created=${seconds()};expires=${seconds() + 9};tag="t"`,
      }),
    ],
    ["sent once", replayed],
    ["sent again", replayed, "signature_replayed"],
    ["body changed", { ...signed(post()), body: '{"inputs":{}}' }, "digest_wrong"],
    ["body cut", { ...signed(post()), body: '{"inputs":[' }, "digest_wrong"],
    ["task changed", edit(signed(post()), "taskid", "search-1"), "signature_wrong"],
    ["path changed", { ...signed(post()), path: "/v2/models/n/infer" }, "signature_wrong"],
    ["method changed", { ...signed(post()), method: "PUT" }, "signature_wrong"],
    ["query added", { ...signed(post()), path: "/v2/models/m/infer?a" }, "signature_incomplete"],
    ["query changed", { ...withQuery(), path: "/v2/models/m/infer?a=c" }, "signature_wrong"],
    [
      "query not covered",
      withQuery({ components: ["@method", "@path", "taskid", "content-digest"] }),
      "signature_incomplete",
    ],
    ["version added", add(signed(post()), "version", "v1"), "signature_incomplete"],
    [
      "body not covered",
      signed(post(), { components: ["@method", "@path", "taskid"] }),
      "signature_incomplete",
    ],
    [
      "task not covered",
      signed(post(), { components: ["@method", "@path", "content-digest"] }),
      "signature_incomplete",
    ],
    [
      "path not covered",
      signed(post(), { components: ["@method", "taskid", "content-digest"] }),
      "signature_incomplete",
    ],
    [
      "method not covered",
      signed(post(), { components: ["@path", "taskid", "content-digest"] }),
      "signature_incomplete",
    ],
    ["last byte of the signature changed", lastByteOf(signed(post()), "signature"), "signature_wrong"],
    [
      "last byte of the signed digest changed",
      signed(post(), { digest: `${lastByte(BODY_DIGEST, "base64")}:` }),
      "digest_wrong",
    ],
    ["other key", signed(post(), { secret: Buffer.alloc(32) }), "signature_wrong"],
    ["unknown keyid", signed(post(), { keyid: "search/nobody" }), "credential_unknown"],
    ["keyid of an API key", signed(post(), { keyid: "search/a" }), "credential_unknown"],
    ["too old", signed(post(), { created: seconds() - 90 }), "signature_expired"],
    ["from the future", signed(post(), { created: seconds() + 90 }), "signature_expired"],
    ["within the skew", signed(post(), { created: seconds() - 40 })],
    [
      "past its own expiry",
      signed(post(), {
        params: `;created=${seconds()};expires=${seconds() - 5};keyid="search/signer";nonce="n2"`,
      }),
      "signature_expired",
    ],
    ["no nonce", unnonced],
    ["no nonce, sent again", unnonced, "signature_replayed"],
    ["no time", signed(post(), { params: ';keyid="search/signer";nonce="n3"' }), "signature_malformed"],
    [
      "other algorithm",
      signed(post(), {
        params: `;created=${seconds()};keyid="search/signer";nonce="n4";alg="rsa-pss-sha512"`,
      }),
      "signature_malformed",
    ],
    [
      "keyid twice",
      signed(post(), {
        params: `;created=${seconds()};keyid="search/nobody";keyid="search/signer";nonce="n5"`,
      }),
      "signature_malformed",
    ],
    [
      "component twice",
      signed(post(), { components: ["@method", "@path", "@method", "taskid", "content-digest"] }),
      "signature_malformed",
    ],
    [
      "unknown derived component",
      signed(post(), { components: ["@method", "@path", "@status", "taskid", "content-digest"] }),
      "signature_component",
    ],
    [
      "component that is not there",
      signed(post(), { components: ["@method", "@path", "x-none", "taskid", "content-digest"] }),
      "signature_component",
    ],
    [
      "component with a parameter",
      signed(post(), {
        input: `("@method";req "@path" "taskid" "content-digest");created=${seconds()};keyid="search/signer";nonce="n6"`,
      }),
      "signature_component",
    ],
    [
      "two signatures",
      edit(signed(post()), "signature-input", 'a=("@method");created=1, b=("@path");created=1'),
      "credential_ambiguous",
    ],
    ["labels that differ", edit(signed(post()), "signature", "sig2=:AAAA:"), "signature_malformed"],
    ["no Signature header", drop(signed(post()), "signature"), "signature_malformed"],
    ["Signature header twice", add(signed(post()), "signature", "sig1=:AAAA:"), "credential_ambiguous"],
    ["empty Signature-Input", edit(signed(post()), "signature-input", ""), "signature_malformed"],
    ["digest of another kind", signed(post(), { digest: "md5=:AAAA:" }), "signature_component"],
  ];
}

function edit(call: Call, name: string, value: string): Call {
  return { ...call, headers: call.headers.map(([each, old]) => [each, each === name ? value : old]) };
}

function add(call: Call, name: string, value: string): Call {
  return { ...call, headers: [...call.headers, [name, value]] };
}

function drop(call: Call, name: string): Call {
  return { ...call, headers: call.headers.filter(([each]) => each !== name) };
}
