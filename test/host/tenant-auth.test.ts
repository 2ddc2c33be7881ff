import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import type { HeaderList } from "../../tools/lib/host/header-pairs.ts";
import { CONTINUE, type Stream } from "../../tools/lib/host/stream.ts";
import { Vm } from "../../tools/lib/host/vm.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { authConfig, bearer, type Call, digestOf, jwt, KEY, seconds, signed } from "../support/auth.ts";
import { apiKeyCases, permissionCases, signatureCases, tokenCases } from "../support/auth-cases.ts";

let vm: Vm;
beforeEach(() => {
  vm = new Vm(modulePath("tenant-auth"));
  expect(vm.configure({ tenantAuth: authConfig }), vm.logs.at(-1)).toBe(true);
});

function send(target: Vm, { method, path, authority, headers, body }: Call): Stream {
  const all: HeaderList = [
    [":method", method ?? (body === undefined ? "GET" : "POST")],
    [":path", path ?? "/v2/models/m/infer"],
    [":authority", authority ?? "gateway.example"],
    ...headers.map(([name, value]): [string, string] => [name.toLowerCase(), value]),
  ];
  const stream = target.open(all, body === undefined);
  if (body !== undefined && stream.action === CONTINUE) stream.sendRequestBody(Buffer.from(body), 5);
  return stream;
}

describe.each([
  ["API keys", apiKeyCases()],
  ["permissions", permissionCases()],
  ["tokens", tokenCases()],
])("%s", (_name, cases) => {
  it.each(cases)("%s", (_case, call, reason) => {
    for (const round of ["first", "repeated"]) {
      const stream = send(vm, call);
      expect(stream.reply?.details, round).toBe(reason);
      if (!reason) expect(stream.action).toBe(CONTINUE);
      stream.close();
    }
  });
});

describe("permissions, wherever a grant lies in the table", () => {
  const tenantOf = (number: number, tasks: string[]) => ({
    tenant: `tenant-${number}`,
    credentials: [{ id: `key-${number}`, sha256: digestOf(`key-${number}`) }],
    tasks: tasks.map((task) => ({ task })),
  });
  const refusal = (number: number, taskid: string) => {
    const stream = vm.open({ "x-api-key": `key-${number}`, taskid }, true);
    stream.close();
    return stream.reply?.details;
  };

  // As many grants as there are chains: with one each, those of some tenants lie in one chain.
  it.each([
    [3, 1],
    [5, 1],
    [17, 1],
    [5, 2],
  ])("%i tenants of %i grants: each calls its own tasks alone", (count, grants) => {
    const all = Array.from({ length: count }, (_, number) => number);
    const tasks = (number: number) => [`task-${number}`, `prefix-${number}-*`].slice(0, grants);
    const tenants = all.map((number) => tenantOf(number, tasks(number)));
    expect(vm.configure({ tenantAuth: { tenants } }), vm.logs.at(-1)).toBe(true);
    for (const number of all)
      for (const other of all) {
        const expected = number === other ? undefined : "task_forbidden";
        expect(refusal(number, `task-${other}`)).toBe(expected);
        if (grants > 1) expect(refusal(number, `prefix-${other}-a`)).toBe(expected);
      }
  });

  it("names that begin like a task, or end before it does, are others", () => {
    expect(vm.configure({ tenantAuth: { tenants: [tenantOf(1, ["model"])] } })).toBe(true);
    expect(refusal(1, "model")).toBeUndefined();
    for (let number = 0; number < 32; number++) expect(refusal(1, `model${number}`)).toBe("task_forbidden");
    for (let length = 1; length < 5; length++)
      expect(refusal(1, "model".slice(0, length))).toBe("task_forbidden");
  });
});

it("signed requests", () => {
  for (const [name, call, reason] of signatureCases()) {
    const stream = send(vm, call);
    expect(stream.reply?.details, name).toBe(reason);
    stream.close();
  }
});

// Envoy joins the two into one, in which an empty one leaves nothing: then there is one credential.
it.each([
  ["first", ["", `Bearer ${KEY}`]],
  ["last", [`Bearer ${KEY}`, ""]],
])("two authorizations, of which the %s is empty, are two", (_name, values) => {
  const headers = values.map((value): [string, string] => ["authorization", value]);
  expect(send(vm, { headers: [...headers, ["taskid", "666"]] }).reply?.details).toBe("credential_ambiguous");
});

describe("hygiene", () => {
  it("takes credentials and the gateway's own headers away, and publishes the tenant", () => {
    const stream = vm.open({
      ":path": "/x",
      "x-api-key": KEY,
      taskid: "666",
      "x-modelgate-tenant": "ads",
      "x-modelgate-": "",
      "x-modelgat": "kept",
    });
    expect(stream.requestHeaders).toEqual([
      [":path", "/x"],
      ["taskid", "666"],
      ["x-modelgat", "kept"],
    ]);
    expect(stream.filterState.get("modelgate.principal")).toBe("search\na");
  });

  it.each<[string, object, string | undefined]>([
    ["a good key", {}, "1"],
    ["no credential", { headers: [] }, undefined],
    ["no credential, but a dry run", { mode: "dryRun", headers: [] }, "1"],
    ["no credential, and nothing is checked", { mode: "off", headers: [] }, "1"],
    ["a good key for a task that it may not call", { taskid: "nobody's" }, undefined],
  ])("marks what may go on to the model: %s", (_name, given, mark) => {
    const {
      mode = "enforce",
      headers = [["x-api-key", KEY]],
      taskid = "666",
    } = given as {
      mode?: string;
      headers?: HeaderList;
      taskid?: string;
    };
    vm.configure({ tenantAuth: { ...authConfig, mode } });
    const stream = vm.open([...headers, ["taskid", taskid]]);
    expect(stream.filterState.get("modelgate.passed")).toBe(mark);
  });

  it("finds a header among any others, however many", () => {
    const name = fc.string({ unit: fc.constantFrom(..."-adeikpsvxy"), minLength: 1, maxLength: 8 });
    const others = fc.array(name, { maxLength: 300 });
    const list = (names: string[]): HeaderList => names.map((each) => [each, "1"]);
    const refused = (before: string[], own: HeaderList, behind: string[]) => {
      const stream = vm.open([...list(before), ...own, ...list(behind)]);
      stream.close();
      return stream.reply?.details;
    };
    const key: HeaderList[number] = ["x-api-key", KEY];
    fc.assert(
      fc.property(others, others, (before, behind) => {
        expect(refused(before, [key, ["taskid", "666"]], behind)).toBeUndefined();
        expect(refused(before, [key, ["taskid", "666"], key], behind)).toBe("credential_ambiguous");
        expect(refused(before, [["taskid", "666"]], behind)).toBe("credential_missing");
      }),
    );
    for (const count of [252, 253, 254, 255]) {
      expect(
        refused(Array(count).fill("a"), [key, ["taskid", "666"]], []),
        `${count} before`,
      ).toBeUndefined();
    }
  });

  it("leaves headers of credentials to a route that removes them", () => {
    vm.configure({ tenantAuth: { ...authConfig, removeCredentials: false } });
    for (const [name, value] of [
      ["x-api-key", KEY],
      ["authorization", `Bearer ${KEY}`],
    ] as const) {
      const stream = vm.open({ [name]: value, taskid: "666", "x-modelgate-a": "" });
      expect(stream.action).toBe(CONTINUE);
      expect(stream.requestHeaders).toEqual([
        [name, value],
        ["taskid", "666"],
      ]);
      stream.close();
    }
    expect(vm.open({ ":path": `/a?api_key=${KEY}`, taskid: "666" }).header(":path")).toBe("/a");
  });

  it.each([
    [`/a?api_key=${KEY}`, "/a"],
    [`/a?api_key=${KEY}&b=c`, "/a?b=c"],
    [`/a?b=c&api_key=${KEY}`, "/a?b=c"],
    [`/a?b=c&api_key=${KEY}&d&`, "/a?b=c&d&"],
    [`/a?xapi_key=x&api_key=${KEY}`, "/a?xapi_key=x"],
    [`/a?api_key=${KEY}&api_key`, "/a?api_key"],
    [`/a?b=c&api%5fk%65y=${KEY}`, "/a?b=c"],
  ])("takes the key out of %s", (path, stripped) => {
    const stream = vm.open({ ":path": path, taskid: "666" });
    expect(stream.reply).toBeUndefined();
    expect(stream.header(":path")).toBe(stripped);
  });

  it("takes each key out of any query", () => {
    const parts = [
      "api_key=x",
      "api%5Fkey=",
      "%61pi_key=a=b",
      "api_key",
      "api%5key=",
      "b",
      "",
      "?",
      "%61",
      "%",
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...parts), { maxLength: 6 }), (query) => {
        const stream = vm.open({ ":path": `/a?${query.join("&")}`, taskid: "trial" });
        const kept = query.filter((each) => !/^(api_key|api%5Fkey|%61pi_key)=/.test(each));
        const path = query.length > 0 && kept.length === 0 ? "/a" : `/a?${kept.join("&")}`;
        expect(stream.header(":path")).toBe(path);
        const taken = query.filter((each) => !kept.includes(each));
        const reason =
          taken.length > 1
            ? "credential_ambiguous"
            : (taken[0] ?? "").endsWith("=") || taken.length === 0
              ? "credential_missing"
              : "credential_unknown";
        expect(stream.filterState.get("modelgate.would_refuse")).toBe(reason);
        stream.close();
      }),
    );
  });

  it("sets a header with the tenant where asked to", () => {
    vm.configure({ tenantAuth: { ...authConfig, tenantHeader: "X-Modelgate-Tenant" } });
    const stream = vm.open({ "x-api-key": KEY, taskid: "666", "x-modelgate-tenant": "ads" });
    expect(stream.requestHeaders.filter(([name]) => name === "x-modelgate-tenant")).toEqual([
      ["x-modelgate-tenant", "search"],
    ]);
  });

  it.each<[string, string, string | undefined]>([
    ["off", "open", undefined],
    ["dry run", "trial", undefined],
    ["refused", "667", "task_forbidden"],
  ])("is the same whatever is decided: %s", (_name, taskid, reason) => {
    vm.configure({ tenantAuth: { ...authConfig, tenantHeader: "x-tenant" } });
    const credentials: HeaderList[] = [
      [["x-api-key", KEY]],
      [["authorization", `Bearer ${KEY}`]],
      [[":path", `/a?api_key=${KEY}`]],
    ];
    for (const credential of credentials) {
      const spoofed: HeaderList = ["x-tenant", "x_tenant", "x-modelgate-tenant", "X_modelgate-Tenant"].map(
        (name) => [name.toLowerCase(), "ads"],
      );
      const stream = vm.open([...credential, ...spoofed, ["taskid", taskid], ["x-tenants", "kept"]]);
      expect(stream.reply?.details).toBe(reason);
      const left = stream.requestHeaders.filter(([, value]) => /ads|kkk/.test(value));
      expect(left).toEqual([]);
      expect(stream.header("x-tenants")).toBe("kept");
    }
  });

  it("tells the model server no tenant that nobody proved", () => {
    vm.configure({ tenantAuth: { ...authConfig, tenantHeader: "x-tenant" } });
    expect(vm.open({ taskid: "trial", "x-tenant": "ads" }).header("x-tenant")).toBeUndefined();
  });

  it("costs the fewest host calls", () => {
    vm.open({ "x-api-key": KEY, taskid: "666" });
    vm.calls.length = 0;
    vm.open({ "x-api-key": KEY, taskid: "666" });
    // The principal, and the mark that Envoy's own check asks for.
    const states = ["set_property", "set_property"];
    expect(vm.calls).toEqual(["get_header_map_pairs", "remove_header_map_value", ...states]);
  });

  it("answers gRPC callers with a status and a plain message", () => {
    const { reply } = vm.open({ "content-type": "application/grpc+proto", taskid: "1" });
    expect(reply).toMatchObject({ grpcStatus: 16, body: "a credential is required", headers: [] });
  });

  it("notes why it would refuse in a dry run", () => {
    const stream = vm.open({ "x-api-key": "ads-key", taskid: "666" });
    expect(stream.reply).toBeUndefined();
    expect(stream.filterState.get("modelgate.would_refuse")).toBe("task_forbidden");
    expect(stream.header("x-api-key")).toBeUndefined();
  });

  it("survives headers of any bytes, sizes and numbers", () => {
    const before = vm.memoryBytes;
    for (let i = 0; i < 300; i++) {
      const many: HeaderList = Array.from({ length: i }, (_, n) => [`x-${n}`, '\u0000é"\\'.repeat(i)]);
      const stream = vm.open([...many, ["x-api-key", KEY], ["taskid", "666"]]);
      expect(stream.reply).toBeUndefined();
      stream.close();
    }
    for (let i = 0; i < 20_000; i++) vm.open({ "x-api-key": KEY, taskid: "666" }).close();
    expect(vm.memoryBytes - before).toBeLessThan(4 * 1024 * 1024);
  });
});

it("enforces where the stage is off and one of several tasks has a mode of its own", () => {
  vm.configure({ tenantAuth: { ...authConfig, mode: "off", tasks: [{ taskid: "666", mode: "enforce" }] } });
  for (const tasks of [["666"], ["667", "666"], ["666", "667"]]) {
    const stream = vm.open(tasks.map((each): [string, string] => ["taskid", each]));
    expect(stream.reply?.details, tasks.join()).toBe("credential_missing");
  }
  expect(vm.open({ taskid: "667" }).reply).toBeUndefined();
});

describe("certificates", () => {
  const uri = "connection\0uri_san_peer_certificate";

  it.each<[string, string | undefined, string | undefined]>([
    ["known", "spiffe://cluster.local/ns/search/sa/batch", undefined],
    ["unknown", "spiffe://cluster.local/ns/search/sa/other", "credential_missing"],
    ["none", undefined, "credential_missing"],
  ])("%s", (_name, value, reason) => {
    const stream = vm.open({ taskid: "666" }, true, value === undefined ? {} : { [uri]: value });
    expect(stream.reply?.details).toBe(reason);
  });
});

describe("memory of checked credentials", () => {
  it("costs no signature check for a repeated token, and ends with the token", () => {
    const call = tokenCases()[0]?.[1] as Call;
    send(vm, call);
    vm.calls.length = 0;
    expect(send(vm, call).reply).toBeUndefined();
    expect(vm.calls).not.toContain("call_foreign_function");
    vm.process.wall += 700_000_000_000n;
    vm.exports.proxy_on_tick(1);
    expect(send(vm, call).reply?.details).toBe("token_expired");
  });

  it("takes no token for a key because it remembers it as a token", () => {
    const token = jwt();
    expect(send(vm, bearer(token)).reply).toBeUndefined();
    expect(vm.open({ "x-api-key": token, taskid: "666" }).reply?.details).toBe("credential_unknown");
  });

  it("says nothing to another configuration", () => {
    const { tenants, ...rest } = authConfig;
    vm.open({ "x-api-key": KEY, taskid: "666" });
    vm.configure({ tenantAuth: { ...rest, tenants: [{ tenant: "search", credentials: [], tasks: [] }] } });
    expect(vm.open({ "x-api-key": KEY, taskid: "666" }).reply?.details).toBe("credential_unknown");
  });

  it("ends with a revocation in shared data, which reaches each VM and outlives it", () => {
    const other = new Vm(modulePath("tenant-auth"), vm.process);
    other.configure({ tenantAuth: authConfig });
    for (const each of [vm, other]) {
      expect(each.open({ "x-api-key": KEY, taskid: "666" }).reply).toBeUndefined();
    }
    const digest = Buffer.from(digestOf(KEY), "hex");
    vm.process.setShared("modelgate.revoked", Buffer.concat([Buffer.alloc(8), digest]), 0);
    const later = new Vm(modulePath("tenant-auth"), vm.process);
    later.configure({ tenantAuth: authConfig });
    for (const each of [vm, other]) each.exports.proxy_on_tick(1);
    for (const each of [vm, other, later]) {
      expect(each.open({ "x-api-key": KEY, taskid: "666" }).reply?.details).toBe("credential_revoked");
    }
  });

  it("stays bounded, however many tokens come", () => {
    const before = vm.memoryBytes;
    const config = { ...authConfig, tenants: [{ ...authConfig.tenants[0], credentials: manyKeys(20_000) }] };
    vm.configure({ tenantAuth: config });
    const configured = vm.memoryBytes;
    for (let i = 0; i < 20_000; i++) {
      const stream = vm.open({ "x-api-key": `key-${i}`, taskid: "666" });
      expect(stream.reply).toBeUndefined();
      stream.close();
    }
    expect(vm.memoryBytes - configured).toBeLessThan(1024 * 1024);
    expect(configured - before).toBeLessThan(128 * 1024 * 1024);
  });
});

function manyKeys(count: number): object[] {
  return Array.from({ length: count }, (_, i) => ({ id: `c${i}`, sha256: digestOf(`key-${i}`) }));
}

it("a signer's nonce counts for all VMs of the process", () => {
  const other = new Vm(modulePath("tenant-auth"), vm.process);
  other.configure({ tenantAuth: authConfig });
  const call = signed({ headers: [["taskid", "666"]], body: "x" });
  expect(send(vm, call).reply).toBeUndefined();
  expect(send(other, call).reply?.details).toBe("signature_replayed");
});

it("a nonce is known to a VM whose clock is a tick behind", () => {
  const other = new Vm(modulePath("tenant-auth"), vm.process);
  other.configure({ tenantAuth: authConfig });
  const bucket = (nonce: string) => Buffer.from(digestOf(nonce), "hex").readUInt32LE(8) % 8192;
  let same = 0;
  while (bucket(`n${same}`) !== bucket("first")) same++;
  const created = seconds();
  const at = (target: Vm, second: number) => {
    vm.process.wall = BigInt(second) * 1_000_000_000n;
    target.exports.proxy_on_tick(1);
  };
  const call = (nonce: string, time: number) =>
    signed({ headers: [["taskid", "666"]], body: "x" }, { nonce, created: time });
  expect(send(vm, call("first", created)).reply).toBeUndefined();
  at(other, created + 60);
  at(vm, created + 61);
  expect(send(vm, call(`n${same}`, created + 61)).reply).toBeUndefined();
  expect(send(other, call("first", created)).reply?.details).toBe("signature_replayed");
});

describe("configuration", () => {
  const tenant = authConfig.tenants[0] as object;
  const credential = (more: object) => ({ tenants: [{ tenant: "t", credentials: [{ id: "a", ...more }] }] });
  const issuer = (more: object) => ({ issuers: [{ issuer: "i", jwks: { keys: [] }, ...more }] });
  const at = "tenantAuth.tenants[0].credentials[0]";
  it.each<[string, object | string, string]>([
    ["not JSON", "{", "JSON: expected a key at byte 1"],
    ["no hexadecimal digits", '{"a":"\\u00zz"}', "JSON: expected a string at byte 5"],
    ["half a surrogate pair", '{"a":"\\ud800"}', "JSON: expected a string at byte 5"],
    ["the second half of a surrogate pair", '{"a":"\\udc00"}', "JSON: expected a string at byte 5"],
    ["a number with a zero before it", '{"a":01}', "JSON: expected a number at byte 5"],
    ["two numbers in one", '{"a":1-2}', "JSON: expected ',' or '}' at byte 6"],
    ["a number without digits behind its point", '{"a":1.e5}', "JSON: expected a number at byte 5"],
    ["no stage", {}, "tenantAuth: is required"],
    ["another stage's", { tenantAuth: {}, rateLimit: {} }, "rateLimit: unknown field"],
    [
      "a misspelt field",
      { tenantAuth: { tenants: [{ ...tenant, task: [] }] } },
      "tenantAuth.tenants[0].task: unknown field",
    ],
    ["a mode of no such name", { mode: "dry" }, "tenantAuth.mode: must be one of enforce, dryRun, off"],
    [
      "no proof",
      credential({}),
      `${at}: needs exactly one of sha256, secret, sealedSecret, certificate, token`,
    ],
    ["two proofs", credential({ sha256: digestOf(""), secret: "" }), `${at}: needs exactly one of`],
    ["a bad hash", credential({ sha256: "00" }), `${at}.sha256: must be 64 hexadecimal digits`],
    [
      "a bad time",
      credential({ sha256: digestOf(""), notAfter: "2026-13-01T00:00:00Z" }),
      `${at}.notAfter: must be a time`,
    ],
    ["a short secret", credential({ secret: "AAAA" }), `${at}.secret: must be at least 32 bytes`],
    ["a secret that is no base64", credential({ secret: "A" }), `${at}.secret: must be base64`],
    [
      "a certificate of two names",
      credential({ certificate: { uri: "a", dns: "b" } }),
      "needs exactly one of uri, dns",
    ],
    ["a token of no issuer", credential({ token: { issuer: "x" } }), `${at}.token.issuer: is not in issuers`],
    [
      "a key used twice",
      { tenants: [tenant, { ...tenant, tenant: "u" }] },
      "sha256: is used by another credential",
    ],
    [
      "a tenant twice",
      { tenants: [{ tenant: "t" }, { tenant: "t" }] },
      "tenantAuth.tenants[1].tenant: t is there twice",
    ],
    [
      "a name of the wrong type",
      { tenants: [{ tenant: 7 }] },
      "tenantAuth.tenants[0].tenant: must be a string",
    ],
    [
      "an algorithm that cannot be checked",
      issuer({ algorithms: ["EdDSA"] }),
      "algorithms[0]: must be one of RS256",
    ],
    ["no keys", { issuers: [{ issuer: "i" }] }, "tenantAuth.issuers[0]: needs jwks or remoteJwks, not both"],
    [
      "an RSA key of 1024 bits",
      issuer({
        jwks: { keys: [{ kty: "RSA", e: "AQAB", n: Buffer.alloc(128, 255).toString("base64url") }] },
      }),
      "tenantAuth.issuers[0].jwks: cannot be used: keys[0]",
    ],
    [
      "an issuer twice",
      { issuers: [{ issuer: "i" }, { issuer: "i" }] },
      "issuers[1].issuer: i is there twice",
    ],
    [
      "a header of keys twice",
      { apiKey: { headers: ["a", "A"] } },
      "tenantAuth.apiKey.headers[1]: is there twice",
    ],
    [
      "the header of tasks as one of keys",
      { apiKey: { headers: ["TaskId"] } },
      "tenantAuth.apiKey.headers[0]: taskid has another use",
    ],
    ...["taskid", "host", "cookie", "x-api-key"].map((name): [string, object, string] => [
      `the tenant in the header ${name}`,
      { tenantHeader: name },
      `tenantAuth.tenantHeader: ${name} has another use`,
    ]),
    ["a key set without keys", issuer({ audiences: ["m"] }), "tenantAuth.issuers[0].jwks: holds no key"],
    [
      "a host whose suffix begins anywhere",
      credential({ sha256: digestOf("a"), hosts: ["*example.com"] }),
      `${at}.hosts[0]: must be a host or \`*.\` and a suffix`,
    ],
    ...["", "Sig1", "1", "a b"].map((label): [string, object, string] => [
      `a label that is none: ${JSON.stringify(label)}`,
      { signature: { label } },
      "tenantAuth.signature.label: must be a label",
    ]),
    [
      "a revocation that is no digest",
      { revoked: ["x"] },
      "tenantAuth.revoked[0]: must be 64 hexadecimal digits",
    ],
  ])("is refused: %s", (_name, configuration, message) => {
    const whole =
      typeof configuration === "string" || "tenantAuth" in configuration || _name === "no stage"
        ? configuration
        : { tenantAuth: configuration };
    expect(vm.configure(whole)).toBe(false);
    expect(vm.logs.at(-1)).toContain(message);
  });
});

it("keeps no configuration alive through streams that are over", () => {
  const big = { ...authConfig, tenants: [{ ...authConfig.tenants[0], credentials: manyKeys(3000) }] };
  let root = 1;
  let id = 1_000_000;
  const replace = () => {
    const old = root;
    root = id++;
    vm.exports.proxy_on_context_create(root, 0);
    expect(vm.configure({ tenantAuth: big }, root)).toBe(true);
    vm.exports.proxy_on_delete(old);
  };
  for (let i = 0; i < 3; i++) replace();
  const before = vm.memoryBytes;
  for (let streams = 30; streams > 0; streams -= 2) {
    const ids = Array.from({ length: streams }, () => id++);
    for (const each of ids) vm.exports.proxy_on_context_create(each, root);
    for (const each of ids.reverse()) vm.exports.proxy_on_delete(each);
    replace();
  }
  expect(vm.memoryBytes).toBe(before);
});

it("narrows many credentials", () => {
  const narrow = (count: number) => ({
    ...authConfig,
    tenants: [
      {
        tenant: "search",
        tasks: [{ task: "666" }],
        credentials: manyKeys(count).map((each) => ({ ...each, tasks: [{ task: "666" }, { task: "1" }] })),
      },
    ],
  });
  expect(vm.configure({ tenantAuth: narrow(10_000) })).toBe(true);
  for (const [taskid, reason] of [["666"], ["1", "task_forbidden"]]) {
    const stream = vm.open({ "x-api-key": "key-7", taskid: taskid as string });
    expect(stream.reply?.details).toBe(reason);
  }
});
