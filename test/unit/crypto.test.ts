import { constants, createHash, createHmac, generateKeyPairSync, privateEncrypt, sign } from "node:crypto";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { random } from "../support/random.ts";
import { testModule } from "../support/wasm.ts";

interface Crypto {
  allocate(size: number): number;
  hash(ptr: number, len: number, to: number): void;
  hashInPieces(ptr: number, len: number, step: number, to: number): void;
  hmac(key: number, keyLen: number, ptr: number, len: number, to: number): void;
  sip(ptr: number, len: number, k0: bigint, k1: bigint, to: number): void;
  ps256(n: number, size: number, signature: number, text: number, len: number): number;
  decode(ptr: number, len: number, url: number): number;
  rsaKey(n: number, nLen: number, e: number, eLen: number): number;
  ecKey(size: number, x: number, y: number): number;
  ecdsaSignature(size: number, r: number, s: number): number;
  resultPtr(): number;
}

const AREA = 1 << 16;
let wasm: Crypto & { memory: WebAssembly.Memory };
let areas: number[];

beforeAll(async () => {
  wasm = await testModule<Crypto>("crypto");
  areas = Array.from({ length: 3 }, () => wasm.allocate(AREA));
});

/** Puts bytes into area `index` and returns its address. */
function put(index: number, bytes: Uint8Array): number {
  const ptr = areas[index] as number;
  new Uint8Array(wasm.memory.buffer, ptr, AREA).set(bytes);
  return ptr;
}

function read(ptr: number, len: number): Buffer {
  return Buffer.from(new Uint8Array(wasm.memory.buffer, ptr, len).slice());
}

const bytes = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");

function sha256(text: Uint8Array): string {
  const to = put(1, new Uint8Array(32));
  wasm.hash(put(0, text), text.length, to);
  return read(to, 32).toString("hex");
}

function hmac(key: Uint8Array, text: Uint8Array): string {
  const to = put(2, new Uint8Array(32));
  wasm.hmac(put(0, key), key.length, put(1, text), text.length, to);
  return read(to, 32).toString("hex");
}

describe("SHA-256", () => {
  // NIST, Cryptographic Algorithm Validation Program: FIPS 180-4 examples and SHA256ShortMsg
  it.each([
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["616263", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      Buffer.from("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").toString("hex"),
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ],
    ["d3", "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"],
    ["11af", "5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98"],
    ["74ba2521", "b16aa56be3880d18cd41e68384cf1ec8c17680c45a02b1575dc1518923ae8b0e"],
  ])("of %s", (text, digest) => {
    expect(sha256(bytes(text))).toBe(digest);
  });

  it("agrees with OpenSSL for each length up to four blocks, whole and in pieces", () => {
    const { bytes } = random();
    for (let length = 0; length <= 256; length++) {
      const text = bytes(length);
      const digest = createHash("sha256").update(text).digest("hex");
      expect(sha256(text)).toBe(digest);
      for (const step of [1, 7, 63, 64, 65]) {
        const to = put(1, new Uint8Array(32));
        wasm.hashInPieces(put(0, text), length, step, to);
        expect(read(to, 32).toString("hex")).toBe(digest);
      }
    }
  });
});

describe("HMAC-SHA-256", () => {
  // RFC 4231, test cases 1 to 4, 6 and 7 (5 truncates the output)
  const long = "aa".repeat(131);
  it.each([
    ["0b".repeat(20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"],
    [
      Buffer.from("Jefe").toString("hex"),
      "what do ya want for nothing?",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ],
    ["aa".repeat(20), "\xdd".repeat(50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"],
    [
      "0102030405060708090a0b0c0d0e0f10111213141516171819",
      "\xcd".repeat(50),
      "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ],
    [
      long,
      "Test Using Larger Than Block-Size Key - Hash Key First",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ],
    [
      long,
      "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.",
      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ],
  ])("RFC 4231, key %s", (key, text, mac) => {
    expect(hmac(bytes(key), Buffer.from(text, "latin1"))).toBe(mac);
  });

  it("RFC 7515, appendix A.1 (HS256)", () => {
    const key = Buffer.from(
      "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
      "base64url",
    );
    const text =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    expect(Buffer.from(hmac(key, Buffer.from(text)), "hex").toString("base64url")).toBe(
      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    );
  });

  it("agrees with OpenSSL", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 150 }), fc.uint8Array({ maxLength: 300 }), (key, text) => {
        expect(hmac(key, text)).toBe(createHmac("sha256", key).update(text).digest("hex"));
      }),
    );
  });
});

describe("SipHash-2-4-128", () => {
  // The reference implementation's vectors: key 00 .. 0f, message 00 .. length-1
  it.each([
    [0, "a3817f04ba25a8e66df67214c7550293"],
    [1, "da87c1d86b99af44347659119b22fc45"],
    [2, "8177228da4a45dc7fca38bdef60affe4"],
    [7, "a1f1ebbed8dbc153c0b84aa61ff08239"],
    [8, "3b62a9ba6258f5610f83e264f31497b4"],
    [15, "5493e99933b0a8117e08ec0f97cfc3d9"],
  ])("of %d bytes", (length, digest) => {
    const to = put(1, new Uint8Array(16));
    const text = Uint8Array.from({ length }, (_, i) => i);
    wasm.sip(put(0, text), length, 0x0706050403020100n, 0x0f0e0d0c0b0a0908n, to);
    expect(read(to, 16).toString("hex")).toBe(digest);
  });
});

describe("PS256", () => {
  it.each([2048, 3072, 4096])("takes what OpenSSL signed with a key of %d bits, and nothing else", (bits) => {
    const { below, bytes } = random();
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: bits });
    const n = Buffer.from(publicKey.export({ format: "jwk" }).n as string, "base64url");
    const verify = (text: Buffer, signature: Buffer) =>
      wasm.ps256(put(0, n), n.length, put(1, signature), put(2, text), text.length) === 1;
    for (let i = 0; i < 5; i++) {
      const text = bytes(i * 50);
      const options = { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
      const signature = sign("sha256", text, options);
      expect(verify(text, signature)).toBe(true);
      expect(verify(Buffer.concat([text, Buffer.of(0)]), signature)).toBe(false);
      const bit = below(bits);
      signature[bit >> 3] = (signature[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(verify(text, signature)).toBe(false);
      expect(verify(text, sign("sha256", text, privateKey))).toBe(false);
      expect(verify(text, sign("sha256", text, { ...options, saltLength: 20 }))).toBe(false);
    }
    expect(verify(Buffer.alloc(0), Buffer.alloc(n.length))).toBe(false);
    expect(verify(Buffer.alloc(0), n)).toBe(false);
  });
});

describe("PS256, refused though its hash is right (RFC 8017, sections 8.1.2 and 9.1.2)", () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const n = Buffer.from(publicKey.export({ format: "jwk" }).n as string, "base64url");
  const text = Buffer.from("signed");
  const verify = (signature: Uint8Array) =>
    wasm.ps256(put(0, n), n.length, put(1, signature), put(2, text), text.length) === 1;

  /** Encodes `text` (EMSA-PSS), after `edit` has changed the data block and before the mask covers it. */
  function encoded(edit: (block: Buffer) => void, trailer = 0xbc, top = 0): Buffer {
    const salt = Buffer.alloc(32, 7);
    const digest = (data: Uint8Array) => createHash("sha256").update(data).digest();
    const hash = digest(Buffer.concat([Buffer.alloc(8), digest(text), salt]));
    const block = Buffer.concat([Buffer.alloc(256 - 32 - 32 - 2), Buffer.of(1), salt]);
    edit(block);
    for (let at = 0; at < block.length; at++) {
      const mask = digest(Buffer.concat([hash, Buffer.of(0, 0, 0, at >> 5)]));
      block[at] = (block[at] as number) ^ (mask[at & 31] as number);
    }
    block[0] = ((block[0] as number) & 0x7f) | top;
    return Buffer.concat([block, hash, Buffer.of(trailer)]);
  }
  const signed = (block: Buffer) =>
    privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, block);

  it("is taken as it should be", () => {
    expect(verify(signed(encoded(() => {})))).toBe(true);
  });

  it.each<[string, Buffer]>([
    ["another separator", encoded((block) => block.fill(2, 190, 191))],
    ["no separator", encoded((block) => block.fill(0, 190, 191))],
    ["a first byte of padding that is not zero", encoded((block) => block.fill(1, 0, 1))],
    ["a last byte of padding that is not zero", encoded((block) => block.fill(1, 189, 190))],
    ["another salt", encoded((block) => block.fill(8, 222, 223))],
    ["another trailer", encoded(() => {}, 0xcc)],
  ])("%s", (_name, block) => {
    expect(verify(signed(block))).toBe(false);
  });

  it("a signature and the modulus on top of it", () => {
    const number = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
    const options = { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    let sum = 2n ** 2048n;
    let signature = Buffer.alloc(0);
    while (sum >= 2n ** 2048n) {
      signature = sign("sha256", text, options);
      sum = number(signature) + number(n);
    }
    expect(verify(signature)).toBe(true);
    expect(verify(Buffer.from(sum.toString(16).padStart(512, "0"), "hex"))).toBe(false);
  });
});

describe("base64", () => {
  const decode = (text: string, url: boolean) => {
    const length = wasm.decode(put(0, Buffer.from(text)), Buffer.byteLength(text), Number(url));
    return length < 0 ? undefined : read(wasm.resultPtr(), length);
  };

  it("decodes what Node encodes, and only the canonical text", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (value) => {
        const buffer = Buffer.from(value);
        expect(decode(buffer.toString("base64url"), true)).toEqual(buffer);
        expect(decode(buffer.toString("base64"), false)).toEqual(buffer);
      }),
    );
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.boolean(), (text, url) => {
        const encoding = url ? "base64url" : "base64";
        const canonical = Buffer.from(text, encoding).toString(encoding) === text;
        expect(decode(text, url) !== undefined).toBe(canonical);
      }),
    );
  });

  it.each(["A", "AB", "A===", "AA=A", "AAAA\n", "AA-_", "AAA", "AAAAA==="])(
    "refuses %j as base64",
    (text) => {
      expect(decode(text, false)).toBeUndefined();
    },
  );

  it.each(["A", "AB", "AA==", "AA+/", "AAAA\n", " AAA"])("refuses %j as base64url", (text) => {
    expect(decode(text, true)).toBeUndefined();
  });
});

describe("DER", () => {
  const result = (length: number) => read(wasm.resultPtr(), length);

  it.each([2048, 3072, 4096])("RSA key of %d bits", (modulusLength) => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength });
    const jwk = publicKey.export({ format: "jwk" });
    const n = Buffer.from(jwk.n as string, "base64url");
    const e = Buffer.from(jwk.e as string, "base64url");
    const length = wasm.rsaKey(put(0, n), n.length, put(1, e), e.length);
    expect(result(length)).toEqual(publicKey.export({ format: "der", type: "spki" }));
  });

  it.each(["P-256", "P-384"])("key on %s", (namedCurve) => {
    const { publicKey } = generateKeyPairSync("ec", { namedCurve });
    const jwk = publicKey.export({ format: "jwk" });
    const x = Buffer.from(jwk.x as string, "base64url");
    const y = Buffer.from(jwk.y as string, "base64url");
    expect(result(wasm.ecKey(x.length, put(0, x), put(1, y)))).toEqual(
      publicKey.export({ format: "der", type: "spki" }),
    );
  });

  it.each([
    ["small", `${"00".repeat(31)}01`, `${"00".repeat(31)}02`, "300602010102010 2"],
    ["zero", "00".repeat(32), "00".repeat(32), "3006020100020100"],
    ["high bit", `80${"00".repeat(31)}`, `${"00".repeat(31)}80`, `3027022100 80${"00".repeat(31)} 02020080`],
  ])("ECDSA signature: %s", (_name, r, s, der) => {
    expect(result(wasm.ecdsaSignature(32, put(0, bytes(r)), put(1, bytes(s))))).toEqual(bytes(der));
  });
});
