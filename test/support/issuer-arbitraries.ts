/** A trusted issuer of tokens for property tests, mostly valid. Its `issuer` is the caller's to give. */
import fc from "fast-check";

const octets = (count: number, value: number) => Buffer.alloc(count, value).toString("base64url");
const rsa = (count: number) => ({ kty: "RSA", e: "AQAB", n: octets(count, 255) });
const ec = (crv: string, count: number) => ({ kty: "EC", crv, x: octets(count, 1), y: octets(count, 2) });
const SECRET = { kty: "oct", k: octets(32, 3) };

/** With each its algorithms. */
const GOOD: [string[], object][] = [
  [["RS256", "RS384", "RS512", "PS256"], rsa(256)],
  [["RS256", "RS384", "RS512", "PS256"], rsa(512)],
  [["ES256"], ec("P-256", 32)],
  [["ES384"], ec("P-384", 48)],
  [["HS256"], SECRET],
];
const SHAPES = [
  ...GOOD.map(([, key]) => key),
  rsa(255),
  rsa(128),
  rsa(516),
  ec("P-256", 31),
  ec("P-521", 66),
];
const MEMBERS = fc.record(
  {
    kty: fc.constantFrom("RSA", "EC", "OKP", "AKP", "oct", 1, ""),
    crv: fc.constantFrom("P-256", "P-384", "secp256k1", "Ed25519", null),
    use: fc.constantFrom("sig", "enc", "", 0),
    alg: fc.constantFrom("RS256", "PS256", "ES256", "ES384", "RSA-OAEP", "HS256", "", "ML-DSA-44", null),
    kid: fc.constantFrom("k1", "k2", "é", "", 7),
    e: fc.constantFrom("AQAB", "Aw", "AQAB=", "AAEAAQ"),
    x: fc.constantFrom(octets(32, 9), "AB", "A", "", "++++", null),
    k: fc.constantFrom(octets(31, 3), octets(33, 3), ""),
    x5c: fc.constant(["MIIB"]),
    key_ops: fc.constantFrom(["verify"], ["encrypt"]),
  },
  { requiredKeys: [] },
);
/** One that may be of use or not. */
const anyKey = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(fc.constantFrom(...SHAPES), MEMBERS).map(([key, more]) => ({ ...key, ...more })),
  },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(null, 1, "key", [], {}) },
);
/** A key set, with the algorithms where they are named: mostly one key at least fits. */
const inline = fc
  .record({
    good: fc.constantFrom(...GOOD),
    others: fc.array(anyKey, { maxLength: 3 }),
    place: fc.nat(3),
    isNamed: fc.boolean(),
    hasGood: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
    further: fc.uniqueArray(fc.constantFrom("RS256", "PS256", "ES256", "ES384", "HS256"), { maxLength: 2 }),
    indent: fc.constantFrom(undefined, 2),
  })
  .map(({ good: [algorithms, key], others, place, isNamed, hasGood, further, indent }) => {
    const keys = hasGood ? others.toSpliced(place, 0, key) : others;
    const own = isNamed || algorithms[0] === "HS256" ? [...new Set([...algorithms, ...further])] : undefined;
    return { jwks: JSON.stringify({ keys }, null, indent), ...(own && { algorithms: own }) };
  });
const remote = fc.record(
  {
    jwksUri: fc.constantFrom(
      "https://login.example/jwks",
      "http://a:1/",
      "https://a/b?c=d&e",
      "https://é.example/ü",
    ),
    cluster: fc.constantFrom("jwks", "outbound|443||login.example", "x".repeat(253)),
    refresh: fc.constantFrom("0s", "1ms", "1s", "5m", "1.5h", "1000h"),
    algorithms: fc.uniqueArray(
      fc.constantFrom("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "HS256"),
      {
        minLength: 1,
      },
    ),
  },
  { requiredKeys: ["jwksUri", "cluster"] },
);
const names = fc.array(fc.constantFrom("models", "a b", "é", "x".repeat(2048), 'a"b', "\u0001"), {
  minLength: 1,
  maxLength: 3,
});
const claim = fc.constantFrom("sub", "client_id", "https://a.example/tenant", "é", "a.b", "x".repeat(128));

export const arbitraryIssuer = fc
  .tuple(
    fc.oneof(
      fc.record({ audiences: names }),
      fc.record({ clientIds: names }),
      fc.record({ audiences: names, clientIds: names }),
    ),
    fc.oneof(inline, remote),
    fc.record(
      {
        requireExpiry: fc.boolean(),
        claims: fc.record({ credential: claim, tenant: claim, tasks: claim }, { requiredKeys: [] }),
        leewaySeconds: fc.constantFrom(0, 60, 600),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([callers, keys, rest]) => ({ ...callers, ...keys, ...rest }));
