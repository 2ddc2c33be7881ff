import { expect, it } from "vitest";
import { Vm } from "../../tools/lib/host/vm.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { authConfig, KEY } from "../support/auth.ts";

const TENANT = ["https://app.example", "https://*.wide.example:8443"];
const cors = {
  origins: TENANT,
  maxAgeSeconds: 60,
  tasks: [
    {
      taskid: "v",
      origins: ["https://task.example", "https://app.example"],
      methods: ["PUT"],
      headers: ["x-a"],
    },
    { taskid: "666", origins: ["https://bank.example"], credentials: true },
    { taskid: "public", origins: ["*"] },
  ],
};

function started(config: object = cors): Vm {
  const vm = new Vm(modulePath("tenant-auth"));
  expect(vm.configure({ tenantAuth: { ...authConfig, cors: config } }), vm.logs.at(-1)).toBe(true);
  return vm;
}

function preflight(vm: Vm, origin: string) {
  const { reply } = vm.open([
    [":method", "OPTIONS"],
    [":path", "/v2/models/m/infer"],
    ["origin", origin],
    ["access-control-request-method", "POST"],
    ["access-control-request-headers", "taskid,x-api-key"],
  ]);
  return { status: reply?.status, details: reply?.details, ...Object.fromEntries(reply?.headers ?? []) };
}

it("a preflight is told what any task allows its origin", () => {
  const { tasks, ...ofTenant } = cors;
  const vm = started({ ...ofTenant, tasks: tasks.slice(0, 2) });
  expect(preflight(vm, "https://app.example")).toMatchObject({
    status: 204,
    details: "cors_preflight",
    "access-control-allow-origin": "https://app.example",
    "access-control-allow-methods": "GET, HEAD, POST, PUT",
    "access-control-allow-headers": "taskid,x-api-key, x-a",
    "access-control-max-age": "60",
    vary: "origin",
  });
  expect(preflight(vm, "https://task.example")).toMatchObject({ "access-control-allow-headers": "x-a" });
  expect(preflight(vm, "https://bank.example")).toMatchObject({ "access-control-allow-credentials": "true" });
  for (const origin of ["https://other.example", "http://app.example", "https://app.example:1", "null"])
    expect(preflight(vm, origin)).toMatchObject({ status: 403, details: "origin_forbidden" });
  expect(preflight(started(), "https://other.example").status).toBe(204);
});

it.each([
  ["https://a.wide.example:8443", true],
  ["https://a.b.wide.example:8443", true],
  ["https://.wide.example:8443", false],
  ["https://wide.example:8443", false],
  ["https://a.wide.example", false],
  ["http://a.wide.example:8443", false],
  ["https://awide.example:8443", false],
])("%s is one of https://*.wide.example:8443: %s", (origin, allowed) => {
  expect(preflight(started({ origins: TENANT }), origin).status === 204).toBe(allowed);
});

it.each<[string, Record<string, string>, string | undefined]>([
  ["good key", { taskid: "search-a", "x-api-key": KEY }, "https://app.example"],
  ["no key", { taskid: "search-a" }, "https://app.example"],
  ["task with a policy of its own", { taskid: "666", "x-api-key": KEY }, undefined],
])("a response to a call with %s says its origin", (_name, headers, wanted) => {
  const stream = started().open({ ":method": "POST", origin: "https://app.example", ...headers }, false);
  const refused = stream.reply?.headers.find(([name]) => name === "access-control-allow-origin")?.[1];
  if (stream.reply) expect(refused).toBe(wanted);
  else {
    stream.respond(
      [
        [":status", "200"],
        ["access-control-allow-origin", "the model's"],
      ],
      new Uint8Array(),
    );
    const own = wanted ?? "the model's";
    expect(stream.responseHeaders.filter(([name]) => name === "access-control-allow-origin")).toEqual([
      ["access-control-allow-origin", own],
    ]);
  }
});

it.each([
  [{ origins: ["*"], credentials: true }, "cors.origins[0]: must not be * where credentials are allowed"],
  [
    { origins: ["https://a*.example"] },
    "cors.origins[0]: must be exact, *, or such as https://*.example.com",
  ],
  [{ origins: [] }, "cors.origins: is required"],
  [{ origins: ["*"], methods: ["GET\r\nx: y"] }, "cors.methods[0]: must be one of GET, HEAD, POST"],
  [{ origins: ["*"], methods: [] }, "cors.methods: must not be empty"],
  [{ origins: ["*"], headers: ["x-a", "x: y\r\nz"] }, "cors.headers[1]: must be the name of a header"],
  [{ origins: ["*"], headers: [] }, "cors.headers: must not be empty"],
  [{}, "cors.origins: or tasks is required"],
  [
    {
      tasks: [
        { taskid: "a", origins: ["*"] },
        { taskid: "a", origins: ["*"] },
      ],
    },
    "a is there twice",
  ],
])("%j is refused", (config, fault) => {
  const vm = new Vm(modulePath("tenant-auth"));
  expect(vm.configure({ tenantAuth: { ...authConfig, cors: config } })).toBe(false);
  expect(vm.logs.join()).toContain(fault);
});
