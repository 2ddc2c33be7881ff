import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import type { HeaderList } from "../../tools/lib/host/header-pairs.ts";
import { HostProcess } from "../../tools/lib/host/process.ts";
import { CONTINUE, type Stream } from "../../tools/lib/host/stream.ts";
import { Vm } from "../../tools/lib/host/vm.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { authConfig, type Call, signed } from "../support/auth.ts";

/**
 * Requests that libraries of Python, Node and Go have signed (RFC 9421, RFC 9530), with what they cover by
 * default and `taskid`; recorded, because a signature is as good as its text. Keys are those of `authConfig`.
 * The Go library sends no Content-Digest that it signs, and its HMAC is none of the text: its callers add
 * both, as here.
 */
interface Recorded {
  library: string;
  name: string;
  /** Of the signature that counts. */
  label?: string;
  /** Seconds since 1970. */
  created: number;
  method: string;
  scheme: string;
  authority: string;
  path: string;
  headers: HeaderList;
  body?: string;
}

const recorded: Recorded[] = JSON.parse(readFileSync("test/data/signed-requests.json", "utf8"));

function start(created: number, label?: string): Vm {
  const process = new HostProcess();
  process.wall = BigInt(created) * 1_000_000_000n;
  const vm = new Vm(modulePath("tenant-auth"), process);
  const signature = { ...authConfig.signature, ...(label !== undefined && { label }) };
  expect(vm.configure({ tenantAuth: { ...authConfig, signature } }), vm.logs.join("\n")).toBe(true);
  return vm;
}

function send(
  vm: Vm,
  { method, scheme, authority, path, headers, body }: Omit<Recorded, "library" | "name" | "created">,
): Stream {
  const pseudo: HeaderList = [
    [":method", method],
    [":scheme", scheme],
    [":authority", authority],
    [":path", path],
  ];
  const stream = vm.open([...pseudo, ...headers], body === undefined);
  if (body !== undefined && stream.action === CONTINUE) stream.sendRequestBody(Buffer.from(body), 5);
  stream.close();
  return stream;
}

it.each(recorded.map((each) => [`${each.library}: ${each.name}`, each] as const))("%s", (_name, request) => {
  const vm = start(request.created, request.label);
  expect(send(vm, request).reply?.body).toBeUndefined();
  expect(send(vm, request).reply?.details).toBe("signature_replayed");
  const others: Partial<Recorded>[] = [
    { method: "PUT" },
    { path: `${request.path}${request.path.includes("?") ? "x" : "/x"}` },
    { headers: request.headers.map(([name, value]) => [name, name === "taskid" ? "search-1" : value]) },
  ];
  for (const changed of others) {
    const refused = send(start(request.created, request.label), { ...request, ...changed });
    expect(refused.reply?.details).toMatch(/^signature_(wrong|incomplete|component)$/);
  }
});

const NOW = 1_790_000_000;
const URI = "http://gateway.example/v2/models/m/infer";
const base: Call = { method: "GET", headers: [["taskid", "666"]] };

/** As `signed`, of a request to `URI`, with derived components beyond those that it knows. */
function reply(options: Parameters<typeof signed>[1], call: Partial<Call> = {}, label?: string): string {
  const whole = signed({ ...base, ...call }, { created: NOW, ...options });
  const path = whole.path ?? "/v2/models/m/infer";
  const request = { method: "GET", scheme: "http", authority: "gateway.example", ...whole, path };
  return send(start(NOW, label), request).reply?.body ?? "passed";
}

it.each([
  ['"@status"'],
  ['"@query-param"'],
  ['"@query-param";name="nobody"'],
  ['"@query-param";name=a'],
  ['"@query-param";name="a";req'],
  ['"@path";req'],
  ['"taskid";sf'],
  ['"taskid";bs'],
  ['"taskid";key="a"'],
  ['"taskid";tr'],
  ['"x-nobody-sent-it"'],
  ['"TaskId"'],
])("a signature over %s is refused by the component's name", (component) => {
  const input = `("@method" "@request-target" "taskid" ${component});created=${NOW};keyid="search/signer"`;
  const body = JSON.parse(reply({ input }, { path: "/x?a=b" }));
  expect(body).toEqual({
    error: `the signature covers ${component}, which is not supported or not in the request`,
    reason: "signature_component",
  });
});

it("the name in a refusal is escaped, and no longer than a name", () => {
  const input = `("@method" "@path" "taskid" "${"x".repeat(500)}");created=${NOW};keyid="search/signer"`;
  expect(JSON.parse(reply({ input })).error.length).toBeLessThan(250);
});

it("a digest of another algorithm alone is refused by its name", () => {
  const digest = `sha-512=:${Buffer.alloc(64).toString("base64")}:`;
  const refused = JSON.parse(reply({ digest }, { body: "x" }));
  expect(refused.reason).toBe("signature_component");
  expect(refused.error).toContain("sha-256");
});

const DIGEST = "sha-256=:LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=:";
it.each([
  ["one", DIGEST, "passed"],
  ["behind others", `sha-512=:AA==:, ${DIGEST}`, "passed"],
  ["before others, with a tab", `${DIGEST},\tunixsum=1`, "passed"],
  ["twice", `${DIGEST}, ${DIGEST}`, "signature_component"],
  ["with a parameter", `${DIGEST};a`, "signature_malformed"],
  ["in capitals", DIGEST.replace("sha", "SHA"), "signature_component"],
  ["within another's text", `md5="${DIGEST.slice(0, 8)}, ${DIGEST}"`, "signature_component"],
])("content-digest: %s", (_name, digest, wanted) => {
  const got = reply({ digest }, { body: "x" });
  expect(got === "passed" ? got : JSON.parse(got).reason).toBe(wanted);
});

const OTHER = '("@status";req);created=1;keyid="a, gw=(\\"";nonce="\\\\"';
it.each<[string, string | undefined, HeaderList, string]>([
  ["alone, whatever its label", undefined, [], "passed"],
  [
    "beside another's, which none asked for",
    undefined,
    [["signature-input", `x=${OTHER}`]],
    "credential_ambiguous",
  ],
  [
    "the configured one beside another's",
    "sig1",
    [
      ["signature-input", `x=${OTHER}`],
      ["signature", "x=:AA==:"],
    ],
    "passed",
  ],
  ["the configured one twice", "sig1", [["signature-input", `sig1=${OTHER}`]], "credential_ambiguous"],
  ["another's alone", "gw", [], "credential_missing"],
  ["another's signature under the label", "sig1", [["signature", "sig1=:AA==:"]], "credential_ambiguous"],
])("several labels: %s", (_name, label, more, wanted) => {
  const headers: HeaderList = [["taskid", "666"], ...more];
  const got = reply({}, { headers }, label);
  expect(got === "passed" ? got : JSON.parse(got).reason).toBe(wanted);
});

it("another's signature is no credential where a label is configured: a key beside it counts", () => {
  const vm = start(NOW, "gw");
  const { headers } = signed(
    {
      ...base,
      headers: [
        ["x-api-key", "second"],
        ["taskid", "666"],
      ],
    },
    { created: NOW },
  );
  const request = { method: "GET", scheme: "http", authority: "gateway.example", path: "/x", headers };
  expect(send(vm, request).reply).toBeUndefined();
});

it.each([
  ["?a=b&c=d", ["a"], "signature_incomplete"],
  ["?a=b&a=c", ["a"], "signature_component"],
  ["?a=b&a=c", ["a", "%61"], "signature_component"],
  ["?&a=b&&", ["a"], "passed"],
  ["?a", ["a"], "passed"],
  ["?=b", ["a"], "signature_component"],
])("query %s with the parameters %j covered", (query, names, wanted) => {
  const values: Record<string, string> = { "?a": "", "?&a=b&&": "b" };
  const components = names.map((name) => `@query-param";name="${name}`);
  const got = reply(
    {
      components: ["@method", "@path", ...components, "taskid"],
      derived: Object.fromEntries(components.map((each) => [each, values[query] ?? "b"])),
    },
    { path: `/x${query}` },
  );
  expect(got === "passed" ? got : JSON.parse(got).reason).toBe(wanted);
});

it("what @target-uri holds is covered by it, and nothing else", () => {
  const components = ["@method", "@target-uri", "taskid"];
  const derived = { "@target-uri": `${URI}?a=b` };
  const path = "/v2/models/m/infer?a=b";
  expect(reply({ components, derived }, { path })).toBe("passed");
  expect(JSON.parse(reply({ components: components.slice(1), derived }, { path })).reason).toBe(
    "signature_incomplete",
  );
  const version: HeaderList = [
    ["taskid", "666"],
    ["version", "v1"],
  ];
  expect(JSON.parse(reply({ components, derived }, { path, headers: version })).reason).toBe(
    "signature_incomplete",
  );
});

it("requests without a nonce are told apart by their signatures", () => {
  const vm = start(NOW);
  const sent = (path: string) => {
    const params = `;created=${NOW};keyid="search/signer"`;
    const { headers } = signed({ ...base, path, method: "GET" }, { params });
    return send(vm, { method: "GET", scheme: "http", authority: "gateway.example", path, headers }).reply
      ?.details;
  };
  expect(["/a", "/b"].map(sent)).toEqual([undefined, undefined]);
  expect(["/a", "/b"].map(sent)).toEqual(["signature_replayed", "signature_replayed"]);
});

it("a nonce that only its escapes tell apart is another", () => {
  const vm = start(NOW);
  const nonces = ['a\\"', "a\\\\", "a", "a\\\\\\\\"];
  const send1 = (nonce: string) => {
    const { headers } = signed(base, { created: NOW, nonce });
    return send(vm, {
      method: "GET",
      scheme: "http",
      authority: "gateway.example",
      path: "/v2/models/m/infer",
      headers,
    }).reply?.details;
  };
  for (const nonce of nonces) expect(send1(nonce), nonce).toBeUndefined();
  for (const nonce of nonces) expect(send1(nonce), nonce).toBe("signature_replayed");
  expect(send1("a\\b")).toBe("signature_malformed");
});
