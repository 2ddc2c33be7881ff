import { createHmac } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import type { HeaderList } from "../../tools/lib/host/header-pairs.ts";
import { Vm } from "../../tools/lib/host/vm.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import {
  authConfig,
  type Call,
  claims,
  ISSUER,
  jwks,
  jwt,
  KEY,
  SHARED_SECRET,
  seconds,
  signed,
} from "../support/auth.ts";
import { mutate, Random } from "../support/mutate.ts";

/** Inputs of each test; `npm run test:fuzz` asks for a million in all. */
const INPUTS = Number(process.env.MODELGATE_FUZZ_INPUTS ?? 8000);
const SEED = Number(process.env.MODELGATE_FUZZ_SEED ?? Date.now() % 1_000_000);
const TIMEOUT = 30_000 + INPUTS;

let vm: Vm;
let random: Random;
beforeAll(() => {
  vm = new Vm(modulePath("tenant-auth"));
  expect(vm.configure({ tenantAuth: authConfig }), vm.logs.at(-1)).toBe(true);
  random = new Random(SEED);
});

/** Sends headers and body; the stream is closed. @returns whether it was let through, as a tenant */
function accepted({ method, path, headers, body }: Call): boolean {
  const list: HeaderList = [
    [":method", method ?? "POST"],
    [":path", path ?? "/v2/models/m/infer"],
    [":authority", "gateway.example"],
    ...headers,
  ];
  const stream = vm.open(list, body === undefined);
  if (!stream.reply && body !== undefined) stream.sendRequestBody(Buffer.from(body), 7);
  const passed = !stream.reply && stream.filterState.has("modelgate.principal");
  stream.close();
  return passed;
}

/** Runs `once` for each input; an error names the seed and the input. */
function fuzz(name: string, once: () => { input: unknown; wrong: boolean }): void {
  it(
    name,
    () => {
      const before = vm.memoryBytes;
      for (let i = 0; i < INPUTS; i++) {
        const { input, wrong } = once();
        if (wrong) throw new Error(`seed ${SEED}, input ${i}: wrongly accepted ${JSON.stringify(input)}`);
      }
      expect(vm.memoryBytes - before).toBeLessThan(8 * 1024 * 1024);
    },
    TIMEOUT,
  );
}

const key = (value: string): Call => ({
  headers: [
    ["x-api-key", value],
    ["taskid", "666"],
  ],
});
const bearer = (token: string): Call => ({
  headers: [
    ["authorization", `Bearer ${token}`],
    ["taskid", "666"],
  ],
});
const base64url = (text: string) => Buffer.from(text, "latin1").toString("base64url");

/** Signs any header and claims as HS256, whatever they say. */
function sealed(header: string, payload: string): string {
  const text = `${base64url(header)}.${base64url(payload)}`;
  return `${text}.${createHmac("sha256", SHARED_SECRET).update(text).digest("base64url")}`;
}

/** What a token's claims must say, by Node's own parser. */
function claimsAreGood(payload: string): boolean {
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(payload, "latin1")));
  } catch {
    return false;
  }
  const { iss, aud, sub, exp, nbf } = parsed;
  const audiences = Array.isArray(aud) ? aud : [aud];
  return (
    iss === ISSUER &&
    sub === "batch" &&
    audiences.some((each) => each === "models" || each === "other") &&
    typeof exp === "number" &&
    exp + 31 > seconds() &&
    (nbf === undefined || (typeof nbf === "number" && nbf - 31 < seconds()))
  );
}

function headerIsGood(header: string): boolean {
  try {
    const { alg, kid } = JSON.parse(
      new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(header, "latin1")),
    );
    return alg === "HS256" && (kid === "hs" || kid === undefined);
  } catch {
    return false;
  }
}

describe(`fuzzing, seed ${SEED}`, () => {
  fuzz("API keys", () => {
    const input = mutate(KEY, random);
    return { input, wrong: accepted(key(input)) && input.trim() !== KEY };
  });

  const good = jwt();
  fuzz("tokens", () => {
    const input = mutate(good, random);
    return { input, wrong: accepted(bearer(input)) && input !== good };
  });

  const header = JSON.stringify({ alg: "HS256", kid: "hs", typ: "JWT" });
  fuzz("headers of tokens, signed all the same", () => {
    const input = mutate(header, random);
    return {
      input,
      wrong: accepted(bearer(sealed(input, JSON.stringify(claims())))) && !headerIsGood(input),
    };
  });

  fuzz("claims of tokens, signed all the same", () => {
    const more = { jti: "é", nbf: 5, nested: [{ a: [1e3, null] }], text: '\\"\u{1f600}' };
    const payload = Buffer.from(JSON.stringify(claims(more))).toString("latin1");
    const input = mutate(payload, random);
    return { input, wrong: accepted(bearer(sealed(header, input))) && !claimsAreGood(input) };
  });

  fuzz("signed requests", () => {
    const call = signed({ headers: [["taskid", "666"]], body: '{"inputs":[]}' });
    const at = random.below(call.headers.length + 2);
    const headers = call.headers.map(([name, value], i): [string, string] => [
      name,
      i === at ? mutate(value, random) : value,
    ]);
    const changed = {
      headers,
      body: at === headers.length ? mutate(call.body ?? "", random) : (call.body ?? ""),
      path: at > headers.length ? mutate("/v2/models/m/infer", random) : "/v2/models/m/infer",
    };
    // White space around a header's value is none of it (RFC 9110, section 5.5).
    const values = (list: Call["headers"]) =>
      list.map(([name, value]) => [name, value.replace(/^[ \t]+|[ \t]+$/g, "")]);
    const same =
      JSON.stringify([values(headers), changed.body, changed.path]) ===
      JSON.stringify([values(call.headers), call.body, "/v2/models/m/infer"]);
    return { input: changed, wrong: accepted(changed) && !same };
  });

  fuzz("queries with a key", () => {
    const input = mutate(`/a?x=1&api_key=${KEY}&y#z`, random);
    const query = input.split("?").slice(1).join("?");
    const values = query.split("&").filter((each) => each.startsWith("api_key="));
    const right = values.length === 1 && values[0] === `api_key=${KEY}`;
    const passed = accepted({ path: input, headers: [["taskid", "666"]] });
    return { input, wrong: passed && !right };
  });

  fuzz("hosts and tasks", () => {
    const input = mutate("search-abc", random);
    const wrong = accepted({
      headers: [
        ["x-api-key", "narrow-key"],
        ["taskid", input],
      ],
    });
    return { input, wrong: wrong && !input.startsWith("search-a") && input !== "666" };
  });

  it(
    "key sets and configurations: refused or taken, never a trap",
    () => {
      const set = JSON.stringify(jwks);
      const whole = JSON.stringify({ tenantAuth: { ...authConfig, issuers: [] } });
      for (let i = 0; i < INPUTS / 20; i++) {
        const keys = mutate(set, random);
        vm.configure(`{"tenantAuth":{"issuers":[{"issuer":"i","audiences":[],"jwks":${keys}}]}}`);
        vm.configure(mutate(whole, random));
      }
      expect(vm.configure({ tenantAuth: authConfig })).toBe(true);
      expect(accepted(key(KEY))).toBe(true);
    },
    TIMEOUT,
  );
});
