import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { Vm } from "../../tools/lib/host/vm.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { bearer, claims, jwk, jwt, rsa, SHARED_SECRET } from "../support/auth.ts";

/** Which keys of a set check a token: those of the configuration, and those that were fetched. */

const ISSUER = "https://keys.example";
const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
const third = generateKeyPairSync("rsa", { modulusLength: 2048 });
const curve = generateKeyPairSync("ec", { namedCurve: "P-256" });
const edwards = generateKeyPairSync("ed25519");
const ALGORITHMS = ["RS256", "ES256", "PS256", "HS256"];

type Key = Record<string, unknown>;
interface Pair {
  publicKey: KeyObject;
  privateKey: KeyObject;
}

const named = (pair: Pair, kid: string, more: Key = {}): Key => jwk(pair.publicKey, kid, more);
function unnamed(pair: Pair, more: Key = {}): Key {
  const { kid, use, ...key } = jwk(pair.publicKey, "", more);
  return key;
}
const secret = { kty: "oct", kid: "k", k: SHARED_SECRET.toString("base64url") };

let vm: Vm;
beforeEach(() => {
  vm = new Vm(modulePath("tenant-auth"));
});

function configure(keys: object, more: object = {}): void {
  const issuers = [{ issuer: ISSUER, audiences: ["models"], algorithms: ALGORITHMS, ...keys, ...more }];
  const credentials = [{ id: "a", token: { issuer: ISSUER } }];
  const tenants = [{ tenant: "search", credentials, tasks: [{ task: "666" }] }];
  expect(vm.configure({ tenantAuth: { issuers, tenants } }), vm.logs.join("\n")).toBe(true);
}

/** The filter with this set, configured, or fetched by its tick. */
const WAYS: [string, (keys: unknown[]) => void][] = [
  ["configured", (keys) => configure({ jwks: { keys } })],
  [
    "fetched",
    (keys) => {
      configure({ remoteJwks: { cluster: "keys", authority: "keys.example", path: "/jwks" } });
      fetchSet(keys);
    },
  ],
];

function fetchSet(keys: unknown[]): void {
  vm.tick();
  expect(vm.callouts).toHaveLength(1);
  vm.answerCallout(200, JSON.stringify({ keys }));
  vm.tick();
}

function reasonOf(options: { kid?: string; alg?: string; key?: KeyObject | Buffer }): string {
  const token = jwt({ kid: undefined, ...options, claims: claims({ iss: ISSUER }) });
  const stream = vm.open(bearer(token).headers, true);
  stream.close();
  return stream.reply?.details ?? "passed";
}

describe.each(WAYS)("a set that is %s", (_way, use) => {
  it("a token's kid with a key that has none: keys of the fitting type are tried", () => {
    use([unnamed(other), unnamed(curve), unnamed(rsa)]);
    expect(reasonOf({ kid: "any" })).toBe("passed");
    expect(reasonOf({ kid: "any", key: other.privateKey })).toBe("passed");
    expect(reasonOf({ kid: "any", alg: "PS256" })).toBe("passed");
    expect(reasonOf({ kid: "any", alg: "ES256", key: curve.privateKey })).toBe("passed");
    expect(reasonOf({ kid: "any", key: third.privateKey })).toBe("token_signature");
  });

  it("a kid that is there is the one that counts: keys without one are not tried", () => {
    use([unnamed(other), named(rsa, "mine")]);
    expect(reasonOf({ kid: "mine" })).toBe("passed");
    expect(reasonOf({ kid: "mine", key: other.privateKey })).toBe("token_signature");
    expect(reasonOf({ kid: "else", key: other.privateKey })).toBe("passed");
    expect(reasonOf({ kid: "else" })).toBe("token_signature");
  });

  it("a kid that only a key of another type has: keys without one are tried", () => {
    use([named(curve, "mine"), unnamed(rsa)]);
    expect(reasonOf({ kid: "mine" })).toBe("passed");
    expect(reasonOf({ kid: "mine", alg: "ES256", key: curve.privateKey })).toBe("passed");
  });

  it("an equal kid twice: each is tried", () => {
    use([named(other, "same"), named(curve, "same"), named(rsa, "same")]);
    expect(reasonOf({ kid: "same" })).toBe("passed");
    expect(reasonOf({ kid: "same", key: other.privateKey })).toBe("passed");
    expect(reasonOf({ kid: "same", alg: "PS256", key: rsa.privateKey })).toBe("passed");
    expect(reasonOf({ kid: "same", alg: "ES256", key: curve.privateKey })).toBe("passed");
    expect(reasonOf({ kid: "same", key: third.privateKey })).toBe("token_signature");
  });

  it("a token without kid has the only key that fits, and no choice of several", () => {
    use([named(rsa, "a"), named(other, "b"), named(curve, "c")]);
    expect(reasonOf({ alg: "ES256", key: curve.privateKey })).toBe("passed");
    expect(reasonOf({})).toBe("token_key_unknown");
  });

  it.each<[string, Key, string]>([
    ["verify", { key_ops: ["verify"] }, "passed"],
    ["sign and verify", { key_ops: ["sign", "verify"] }, "passed"],
    ["no key_ops", {}, "passed"],
    ["encrypt alone", { key_ops: ["encrypt"] }, "token_key_unknown"],
    ["sign alone", { key_ops: ["sign"] }, "token_key_unknown"],
    ["none at all", { key_ops: [] }, "token_key_unknown"],
    ["verify in another case", { key_ops: ["Verify"] }, "token_key_unknown"],
    ["a number in it", { key_ops: [7, "verify"] }, "passed"],
    ["no list", { key_ops: "verify" }, "token_key_unknown"],
    ["use enc", { use: "enc" }, "token_key_unknown"],
    ["use of another type", { use: 7 }, "token_key_unknown"],
    ["kid of another type", { kid: 7 }, "token_key_unknown"],
    ["alg of another type", { alg: 7 }, "token_key_unknown"],
  ])("a key for %s", (_name, more, reason) => {
    use([named(rsa, "mine", more), named(other, "other")]);
    expect(reasonOf({ kid: "mine" })).toBe(reason);
  });

  it("what is unknown is skipped", () => {
    const known = createPublicKey({ key: named(rsa, "k") as never, format: "jwk" });
    expect(known.asymmetricKeyType).toBe("rsa");
    use([
      null,
      7,
      "key",
      [],
      {},
      { kty: "AKP", alg: "ML-DSA-44", pub: "AAAA", kid: "k" },
      { kty: "RSA", kid: "k", n: "AAAA", e: "AQAB" },
      { kty: "EC", kid: "k", crv: "secp256k1", x: "AAAA", y: "AAAA" },
      named(edwards, "k"),
      { ...named(rsa, "k"), x5c: ["AAAA"], x5t: "AA", oth: { deep: [[[1]]] }, ext: true },
    ]);
    expect(reasonOf({ kid: "k" })).toBe("passed");
    expect(reasonOf({ kid: "k", key: other.privateKey })).toBe("token_signature");
  });
});

it("a fetched set never holds symmetric keys, a configured one may", () => {
  const [configured, fetched] = WAYS as [(typeof WAYS)[0], (typeof WAYS)[0]];
  configured[1]([secret, named(rsa, "r")]);
  expect(reasonOf({ kid: "k", alg: "HS256" })).toBe("passed");
  fetched[1]([secret, named(rsa, "r")]);
  expect(reasonOf({ kid: "k", alg: "HS256" })).toBe("token_key_unknown");
  expect(reasonOf({ alg: "HS256" })).toBe("token_key_unknown");
  expect(reasonOf({ kid: "r" })).toBe("passed");
  expect(vm.logs.join("\n")).toContain("left out: keys[0]");
});

it("a fetched set of symmetric keys alone is none", () => {
  configure({ remoteJwks: { cluster: "keys", authority: "keys.example", path: "/jwks" } });
  fetchSet([secret]);
  expect(reasonOf({ kid: "k", alg: "HS256" })).toBe("keys_unavailable");
  expect(vm.logs.join("\n")).toContain("no usable key in it");
});

it("a token that no key without a kid has signed brings a fetch, now and then", () => {
  configure({ remoteJwks: { cluster: "keys", authority: "keys.example", path: "/jwks" } });
  fetchSet([unnamed(rsa)]);
  const seconds = (count: number) => {
    vm.process.now += BigInt(count) * 1_000_000_000n;
    vm.tick();
  };
  expect(reasonOf({ kid: "new" })).toBe("passed");
  seconds(11);
  expect(vm.callouts).toHaveLength(0);
  expect(reasonOf({ kid: "new", key: other.privateKey })).toBe("token_signature");
  seconds(11);
  expect(vm.callouts).toHaveLength(1);
  vm.answerCallout(200, JSON.stringify({ keys: [unnamed(other)] }));
  vm.tick();
  expect(reasonOf({ kid: "new", key: other.privateKey })).toBe("passed");
});
