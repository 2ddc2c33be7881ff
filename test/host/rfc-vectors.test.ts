import { createHmac } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import type { HeaderList } from "../../tools/lib/host/header-pairs.ts";
import { HostProcess } from "../../tools/lib/host/process.ts";
import { Vm } from "../../tools/lib/host/vm.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { JwsChecker } from "../support/jws.ts";

/** The examples of the standards: keys, texts and signatures as they print them. */

let checker: JwsChecker;
beforeAll(async () => {
  checker = await JwsChecker.load();
});

const CLAIMS =
  "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

describe("RFC 7515, appendix A", () => {
  it.each<[string, string, object, string, string]>([
    [
      "A.1",
      "HS256",
      {
        kty: "oct",
        k: "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
      },
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    ],
    [
      "A.2",
      "RS256",
      {
        kty: "RSA",
        n: "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
        e: "AQAB",
      },
      "eyJhbGciOiJSUzI1NiJ9",
      "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
    ],
    [
      "A.3",
      "ES256",
      {
        kty: "EC",
        crv: "P-256",
        x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
      },
      "eyJhbGciOiJFUzI1NiJ9",
      "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    ],
  ])("%s, %s", (_name, algorithm, jwk, header, signature) => {
    const text = Buffer.from(`${header}.${CLAIMS}`);
    const bytes = Buffer.from(signature, "base64url");
    expect(checker.check(jwk, algorithm, bytes, text)).toBe("valid");
    expect(checker.check(jwk, algorithm, bytes, Buffer.concat([text, Buffer.of(0x41)]))).toBe("invalid");
    for (const at of [0, bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ 1;
      expect(checker.check(jwk, algorithm, changed, text), `byte ${at}`).toBe("invalid");
    }
    for (const other of ["RS256", "PS256", "ES256", "ES384", "HS256"].filter((each) => each !== algorithm))
      expect(checker.check(jwk, other, bytes, text)).toBe(
        other === "PS256" && algorithm === "RS256" ? "invalid" : "unfit",
      );
  });
});

describe("RFC 9421", () => {
  /** What the filter says of a request; `secret` signs it. */
  function reasonOf(request: HeaderList, created: number, secret: Buffer): string {
    const process = new HostProcess();
    process.wall = BigInt(created) * 1_000_000_000n;
    const vm = new Vm(modulePath("tenant-auth"), process);
    const credentials = [{ id: "test-shared-secret", secret: secret.toString("base64") }];
    const tenants = [{ tenant: "t", credentials, tasks: [{ task: "1" }] }];
    expect(vm.configure({ tenantAuth: { tenants } }), vm.logs.join("\n")).toBe(true);
    return vm.open(request, true).reply?.details ?? "passed";
  }

  const SECRET = Buffer.from(
    "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==",
    "base64",
  );

  /** The base of section B.2.5; its key id is one that the filter can have. */
  it("appendix B.2.5: the base is the one that the standard prints, with our key id in it", () => {
    const input = '("date" "@authority" "content-type");created=1618884473;keyid="';
    const base = (keyid: string) =>
      [
        '"date": Tue, 20 Apr 2021 02:07:55 GMT',
        '"@authority": example.com',
        '"content-type": application/json',
        `"@signature-params": ${input}${keyid}"`,
      ].join("\n");
    const mac = (keyid: string) => createHmac("sha256", SECRET).update(base(keyid)).digest("base64");
    expect(mac("test-shared-secret")).toBe("pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=");
    const keyid = "t/test-shared-secret";
    const request = (date: string): HeaderList => [
      [":method", "POST"],
      [":scheme", "https"],
      [":authority", "Example.com:443"],
      [":path", "/foo?param=Value&Pet=dog"],
      ["date", date],
      ["content-type", "application/json"],
      ["signature-input", `sig-b25=${input}${keyid}"`],
      ["signature", `sig-b25=:${mac(keyid)}:`],
    ];
    // The signature is right, and covers less than the gateway asks for.
    expect(reasonOf(request("Tue, 20 Apr 2021 02:07:55 GMT"), 1618884473, SECRET)).toBe(
      "signature_incomplete",
    );
    expect(reasonOf(request("Tue, 20 Apr 2021 02:07:56 GMT"), 1618884473, SECRET)).toBe("signature_wrong");
  });

  it.each<[string, string, [string, string][]]>([
    [
      "2.2.8, values",
      "/path?param=value&foo=bar&baz=batman&qux=",
      [
        ['"@query-param";name="baz"', "batman"],
        ['"@query-param";name="qux"', ""],
        ['"@query-param";name="param"', "value"],
      ],
    ],
    [
      "2.2.8, encoding",
      "/parameters?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something",
      [
        ['"@query-param";name="var"', "this%20is%20a%20big%0Amultiline%20value"],
        ['"@query-param";name="bar"', "with%20plus%20whitespace"],
        ['"@query-param";name="fa%C3%A7ade%22%3A%20"', "something"],
      ],
    ],
    ["2.2.7, no query", "/path", [['"@query"', "?"]]],
    ["2.2.7, an empty query", "/path?", [['"@query"', "?"]]],
    [
      "2.2.7, a query",
      "/path?param=value&foo=bar&baz=bat%2Dman",
      [['"@query"', "?param=value&foo=bar&baz=bat%2Dman"]],
    ],
    ["2.2.5", "/path?param=value", [['"@request-target"', "/path?param=value"]]],
    ["2.2.2", "/path?param=value", [['"@target-uri"', "https://www.example.com/path?param=value"]]],
    [
      "2.2.3 and 2.2.4",
      "/path",
      [
        ['"@authority"', "www.example.com"],
        ['"@scheme"', "https"],
        ['"@path"', "/path"],
      ],
    ],
  ])("section %s", (_name, path, lines) => {
    const input = `(${lines.map(([name]) => name).join(" ")});created=1;keyid="t/test-shared-secret"`;
    const base = [...lines.map(([name, value]) => `${name}: ${value}`), `"@signature-params": ${input}`];
    const mac = createHmac("sha256", SECRET).update(base.join("\n")).digest("base64");
    const request: HeaderList = [
      [":method", "GET"],
      [":scheme", "https"],
      [":authority", "www.example.com"],
      [":path", path],
      ["signature-input", `sig=${input}`],
      ["signature", `sig=:${mac}:`],
    ];
    expect(reasonOf(request, 1, SECRET)).toBe("signature_incomplete");
  });
});
