import { createHash } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { CONTINUE, type HeaderList, Vm } from "../../tools/host/host.ts";
import { modulePath } from "../../tools/wasm/modules.ts";

const KEY = "k".repeat(70); // more than one block of SHA-256
const hash = (key: string) => createHash("sha256").update(key).digest("hex");
const config = {
  tenantAuth: {
    tenants: [
      {
        tenant: "search",
        credentials: [
          { id: "a", sha256: hash(KEY) },
          { id: "b", sha256: hash("second").toUpperCase() },
        ],
        tasks: [{ taskid: "1" }, { taskid: "2", versions: ["v1"] }],
      },
      { tenant: "ads", credentials: [{ id: "c", sha256: hash("") }], tasks: [{ taskid: "3" }] },
    ],
  },
};

let vm: Vm;
beforeEach(() => {
  vm = new Vm(modulePath("tenant-auth"));
  expect(vm.configure(config)).toBe(true);
});

describe("credentials and permissions", () => {
  it.each<[string, HeaderList, string | undefined]>([
    [
      "key in the header",
      [
        ["x-api-key", KEY],
        ["taskid", "1"],
      ],
      undefined,
    ],
    [
      "bearer token",
      [
        ["authorization", `bEaReR ${KEY}`],
        ["taskid", "1"],
      ],
      undefined,
    ],
    [
      "second key of the tenant",
      [
        ["x-api-key", "second"],
        ["taskid", "1"],
      ],
      undefined,
    ],
    [
      "allowed version",
      [
        ["x-api-key", KEY],
        ["taskid", "2"],
        ["version", "v1"],
      ],
      undefined,
    ],
    [
      "no version asked for",
      [
        ["x-api-key", KEY],
        ["taskid", "2"],
      ],
      undefined,
    ],
    [
      "other version",
      [
        ["x-api-key", KEY],
        ["taskid", "2"],
        ["version", "v10"],
      ],
      "version_forbidden",
    ],
    [
      "task of another tenant",
      [
        ["x-api-key", KEY],
        ["taskid", "3"],
      ],
      "task_forbidden",
    ],
    [
      "longer task id",
      [
        ["x-api-key", KEY],
        ["taskid", "11"],
      ],
      "task_forbidden",
    ],
    ["no task", [["x-api-key", KEY]], "task_missing"],
    [
      "two tasks",
      [
        ["x-api-key", KEY],
        ["taskid", "1"],
        ["taskid", "3"],
      ],
      "task_ambiguous",
    ],
    ["no credential", [["taskid", "1"]], "credential_missing"],
    [
      "wrong key",
      [
        ["x-api-key", KEY.slice(1)],
        ["taskid", "1"],
      ],
      "credential_unknown",
    ],
    [
      "basic authorization",
      [
        ["authorization", `Basic ${KEY}`],
        ["taskid", "1"],
      ],
      "credential_unknown",
    ],
    [
      "two keys",
      [
        ["x-api-key", KEY],
        ["x-api-key", "second"],
        ["taskid", "1"],
      ],
      "credential_ambiguous",
    ],
    [
      "key and bearer",
      [
        ["x-api-key", KEY],
        ["authorization", `Bearer ${KEY}`],
        ["taskid", "1"],
      ],
      "credential_ambiguous",
    ],
  ])("%s", (_name, headers, reason) => {
    const stream = vm.open(headers);
    expect(stream.reply?.details).toBe(reason);
    if (!reason) expect(stream.action).toBe(CONTINUE);
  });

  it("takes the credential away and publishes the tenant", () => {
    const stream = vm.open({ "x-api-key": KEY, taskid: "1" });
    expect(stream.header("x-api-key")).toBeUndefined();
    expect(stream.filterState.get("modelgate.tenant")).toBe("search");
  });

  it("costs the fewest host calls", () => {
    vm.calls.length = 0;
    vm.open({ "x-api-key": KEY, taskid: "1" });
    expect(vm.calls).toEqual([
      "get_header_map_pairs",
      "set_property",
      "set_property",
      "remove_header_map_value",
    ]);
  });

  it("answers gRPC callers with a status and a plain message", () => {
    const { reply } = vm.open({ "content-type": "application/grpc+proto", taskid: "1" });
    expect(reply).toMatchObject({ grpcStatus: 16, body: "an API key is required", headers: [] });
  });

  it("survives headers of any bytes, sizes and numbers", () => {
    const before = vm.memoryBytes;
    for (let i = 0; i < 300; i++) {
      const many: HeaderList = Array.from({ length: i }, (_, n) => [`x-${n}`, '\u0000é"\\'.repeat(i)]);
      const stream = vm.open([...many, ["x-api-key", KEY], ["taskid", "1"]]);
      expect(stream.reply).toBeUndefined();
      stream.close();
    }
    for (let i = 0; i < 20_000; i++) vm.open({ "x-api-key": KEY, taskid: "1" }).close();
    expect(vm.memoryBytes - before).toBeLessThan(4 * 1024 * 1024);
  });
});

describe("SHA-256", () => {
  it.each([0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1000])("of %d bytes", (length) => {
    const key = "x".repeat(length);
    const credentials = [{ id: "a", sha256: hash(key) }];
    vm.configure({ tenantAuth: { tenants: [{ tenant: "t", credentials, tasks: [{ taskid: "1" }] }] } });
    expect(vm.open({ "x-api-key": key, taskid: "1" }).reply).toBeUndefined();
  });
});

describe("configuration", () => {
  const tenant = config.tenantAuth.tenants[0];
  it.each<[string, object | string, string]>([
    ["not JSON", "{", "JSON: expected a key at byte 1"],
    ["no stage", {}, "tenantAuth: is required"],
    ["another stage's", { ...config, rateLimit: {} }, "rateLimit: unknown field"],
    [
      "a misspelt field",
      { tenantAuth: { tenants: [{ ...tenant, task: [] }] } },
      "tenantAuth.tenants[0].task: unknown field",
    ],
    [
      "a bad hash",
      { tenantAuth: { tenants: [{ tenant: "t", credentials: [{ id: "a", sha256: "00" }] }] } },
      "tenantAuth.tenants[0].credentials[0].sha256: must be 64 hexadecimal digits",
    ],
    [
      "a key used twice",
      { tenantAuth: { tenants: [tenant, tenant] } },
      "sha256: is used by another credential",
    ],
    [
      "a name of the wrong type",
      { tenantAuth: { tenants: [{ tenant: 7 }] } },
      "tenantAuth.tenants[0].tenant: must be a string",
    ],
  ])("is refused: %s", (_name, configuration, message) => {
    expect(vm.configure(configuration)).toBe(false);
    expect(vm.logs.at(-1)).toContain(message);
  });
});
