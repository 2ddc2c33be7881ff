import { generateKeyPairSync } from "node:crypto";
import { HostProcess } from "../../../tools/lib/host/process.ts";
import { ISSUER, jwk, jwt, SHARED_SECRET } from "../../support/auth.ts";
import type { Random } from "../../support/mutate.ts";
import { anyText, anyValue, mutateJson, parsed, spell } from "../generate/json.ts";
import { countedModule, countedVm } from "../module.ts";
import { check, type Harness, type Target } from "../target.ts";

/** Keys of issuers: sets that are fetched, and the DER that Envoy gets of them. */

const latin1 = (text: string) => Buffer.from(text, "latin1");
const good = generateKeyPairSync("rsa", { modulusLength: 2048 });
const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
const curve = generateKeyPairSync("ec", { namedCurve: "P-256" });
const PUBLIC = jwk(good.publicKey, "a");
const NOW = 1_800_000_000;
const token = (alg: string, options: object) =>
  jwt({ alg, kid: "a", ...options, claims: { iss: ISSUER, aud: "models", sub: "batch", exp: NOW + 600 } });
const TOKENS = {
  good: token("RS256", { key: good.privateKey }),
  /** Of the shared secret, which no fetched set may bring. */
  symmetric: token("HS256", { key: SHARED_SECRET }),
  foreign: token("RS256", { key: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey }),
};

const fetchedKeys: Target = {
  name: "fetched-keys",
  about:
    "a key set that is fetched: only a set with the very key makes its tokens good, and none a symmetric one",
  async open(): Promise<Harness> {
    const { vm, counted } = await countedVm("tenant-auth", new HostProcess());
    vm.process.wall = BigInt(NOW) * 1_000_000_000n;
    const remoteJwks = { cluster: "keys", authority: "a", path: "/", refreshSeconds: 1 };
    const issuers = [{ issuer: ISSUER, audiences: ["models"], remoteJwks, algorithms: ["RS256", "HS256"] }];
    const credentials = [{ id: "a", token: { issuer: ISSUER } }];
    const tenants = [{ tenant: "t", credentials, tasks: [{ task: "1" }] }];
    check(vm.configure({ tenantAuth: { issuers, tenants } }), () => vm.logs.join("\n"));
    const passes = (bearer: string) => {
      const stream = vm.open({ authorization: `Bearer ${bearer}`, taskid: "1" }, true);
      stream.close();
      return stream.reply === undefined;
    };
    return {
      modules: [counted],
      morePages: 256,
      generate(random: Random) {
        const key = () => {
          const base = random.pick<Record<string, unknown>>([
            PUBLIC,
            jwk(other.publicKey, "b"),
            jwk(curve.publicKey, "c"),
            { kty: "oct", kid: "a", k: SHARED_SECRET.toString("base64url") },
            { kty: "AKP", kid: "a", pub: "AA" },
          ]);
          return {
            ...base,
            ...(random.below(4)
              ? {}
              : { kid: random.pick<unknown>([undefined, "", "a", 7, anyText(random)]) }),
            ...(random.below(5) ? {} : { use: random.pick<unknown>(["sig", "enc", "", 7]) }),
            ...(random.below(5)
              ? {}
              : { key_ops: random.pick<unknown>([["verify"], ["sign"], [], "verify"]) }),
            ...(random.below(5) ? {} : { alg: random.pick<unknown>(["RS256", "RS512", "HS256", ""]) }),
            ...(random.below(5) ? {} : { x5c: anyValue(random, 3) }),
          };
        };
        const keys = Array.from({ length: random.below(5) }, () =>
          random.below(8) ? key() : anyValue(random, 2),
        );
        return latin1(spell({ keys, more: random.below(4) ? undefined : anyValue(random, 2) }, random));
      },
      mutate: (one, two, random) =>
        latin1(
          mutateJson(one.toString("latin1"), two.toString("latin1"), random, [
            ...[
              '"keys"',
              '"kty"',
              '"RSA"',
              '"oct"',
              '"EC"',
              '"kid"',
              '"a"',
              '"use"',
              '"key_ops"',
              '"verify"',
            ],
          ]).slice(0, 16_384),
        ),
      run(input) {
        vm.logs.length = 0;
        vm.calls.length = 0;
        vm.process.sharedData.clear();
        counted.start(2_000_000 + 300 * input.length);
        vm.process.now += 100_000_000_000n;
        vm.tick();
        check(vm.callouts.length === 1, "no set is fetched");
        vm.answerCallout(200, new Uint8Array(input));
        vm.tick();
        // What is at hand stays when a set can't be used: forgotten here, so that a case means the same always.
        const holds = vm.process.sharedData.size > 1;
        const said = holds ? passes(TOKENS.good) : false;
        check(!passes(TOKENS.symmetric), "a token of a shared secret passes");
        check(!holds || !passes(TOKENS.foreign), "a token of a key that is nowhere passes");
        if (said) {
          const keys = (parsed(input)?.value as { keys?: unknown })?.keys;
          const has = Array.isArray(keys) && keys.some((each) => each?.n === PUBLIC.n);
          check(has, "a token passes whose key is not in the set");
        }
        return undefined;
      },
    };
  },
};

interface Crypto {
  allocate(size: number): number;
  rsaKey(n: number, nLen: number, e: number, eLen: number): number;
  ecKey(size: number, x: number, y: number): number;
  ecdsaSignature(size: number, r: number, s: number): number;
  resultPtr(): number;
}

/** DER (ITU-T X.690) of an element, and of a non-negative INTEGER. */
function element(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}
function integer(bytes: Buffer): Buffer {
  const digits = BigInt(`0x${bytes.toString("hex") || "0"}`).toString(16);
  const content = Buffer.from(digits.length % 2 ? `0${digits}` : digits, "hex");
  return element(2, (content[0] as number) >= 128 ? Buffer.concat([Buffer.of(0), content]) : content);
}
const name = (hex: string) => Buffer.from(hex, "hex");
const RSA = name("300d06092a864886f70d0101010500");
const CURVES: Record<number, Buffer> = {
  32: name("301306072a8648ce3d020106082a8648ce3d030107"),
  48: name("301006072a8648ce3d020106052b81040022"),
};
const spki = (algorithm: Buffer, key: Buffer) =>
  element(0x30, Buffer.concat([algorithm, element(3, Buffer.concat([Buffer.of(0), key]))]));

const der: Target = {
  name: "der",
  about: "numbers of keys and signatures as DER: byte for byte what X.690 says",
  async open(): Promise<Harness> {
    const { wasm, counted } = await countedModule<Crypto>("crypto");
    const areas = [wasm.allocate(1024), wasm.allocate(1024)] as const;
    return {
      modules: [counted],
      generate(random: Random) {
        const size = random.pick([32, 48, 256, 384, 512]);
        const bytes = Buffer.alloc(1 + 2 * size);
        bytes[0] = random.below(3);
        for (let i = 1; i < bytes.length; i++) bytes[i] = random.below(256);
        // Numbers that begin with zeros, or with a bit that would be a sign.
        for (let at = 1; at < bytes.length && random.below(4); at++)
          bytes[at] = random.pick([0, 0x80, 0x7f, 1]);
        bytes.fill(0, 1 + size, 1 + size + random.below(size + 1));
        return bytes;
      },
      mutate(one, _two, random) {
        const bytes = Buffer.from(one);
        bytes[random.below(bytes.length)] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
        return bytes;
      },
      run(input) {
        counted.start(200_000);
        const kind = (input[0] ?? 0) % 3;
        const size = kind === 0 ? Math.min((input.length - 1) >> 1, 512) : input.length % 2 ? 32 : 48;
        const [a, b] = [input.subarray(1, 1 + size), input.subarray(1 + size, 1 + 2 * size)];
        if (a.length < size || b.length < size || size === 0) return undefined;
        const memory = new Uint8Array(wasm.memory.buffer);
        memory.set(a, areas[0]);
        memory.set(b, areas[1]);
        const length =
          kind === 0
            ? wasm.rsaKey(areas[0], size, areas[1], size)
            : kind === 1
              ? wasm.ecKey(size, ...areas)
              : wasm.ecdsaSignature(size, ...areas);
        const made = Buffer.from(wasm.memory.buffer, wasm.resultPtr(), length);
        const numbers = element(0x30, Buffer.concat([integer(a), integer(b)]));
        const wanted =
          kind === 0
            ? spki(RSA, numbers)
            : kind === 1
              ? spki(CURVES[size] as Buffer, Buffer.concat([Buffer.of(4), a, b]))
              : numbers;
        check(made.equals(wanted), () => `it is ${made.toString("hex")}, not ${wanted.toString("hex")}`);
        return undefined;
      },
    };
  },
};

export const keys: Target[] = [fetchedKeys, der];
