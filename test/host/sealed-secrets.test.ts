import { expect, it } from "vitest";
import { seal } from "../../tools/cluster/istio/seal.ts";
import { HostProcess } from "../../tools/lib/host/process.ts";
import { Vm } from "../../tools/lib/host/vm.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { signed } from "../support/auth.ts";

const OLD = "0a".repeat(32);
const NEW = "b1".repeat(32);
const SECRETS = { a: Buffer.from("the secret of a ".repeat(2)), b: Buffer.alloc(200, "long ") };
const ids = Object.keys(SECRETS) as (keyof typeof SECRETS)[];

function start(keys: string | undefined, sealedWith = NEW, purposeOf = (id: string) => `search/${id}`): Vm {
  const process = new HostProcess();
  if (keys !== undefined) process.environment.set("MODELGATE_SEALING_KEY", keys);
  process.environment.set("OTHER", "value");
  const vm = new Vm(modulePath("tenant-auth"), process);
  const credentials = ids.map((id) => ({ id, sealedSecret: seal(sealedWith, purposeOf(id), SECRETS[id]) }));
  const tenants = [{ tenant: "search", credentials, tasks: [{ task: "*" }] }];
  expect(vm.configure({ tenantAuth: { tenants } }), vm.logs.join("\n")).toBe(true);
  return vm;
}

let nonces = 0;
function call(vm: Vm, id: keyof typeof SECRETS, nonce = `n${nonces++}`): string {
  const created = Number(vm.process.wall / 1_000_000_000n);
  const request = { headers: [["taskid", "666"] as [string, string]] };
  const { headers } = signed(request, { created, nonce, keyid: `search/${id}`, secret: SECRETS[id] });
  const pseudo: [string, string][] = [
    [":method", "POST"],
    [":path", "/v2/models/m/infer"],
    [":authority", "gateway.example"],
  ];
  const stream = vm.open([...pseudo, ...headers], true);
  stream.close();
  return stream.reply?.details ?? "passed";
}

it("opens what was sealed, of any length, with any of the keys", () => {
  for (const keys of [NEW, `${NEW},${OLD}`, `${OLD}\n${NEW}\n`]) {
    const vm = start(keys);
    expect(ids.map((id) => call(vm, id))).toEqual(["passed", "passed"]);
  }
});

it("refuses the signers alone whose secrets it can't open, and names neither key nor secret", () => {
  for (const vm of [start(undefined), start(OLD), start(""), start(NEW, NEW, () => "search/other")]) {
    expect(ids.map((id) => call(vm, id))).toEqual(["credential_unknown", "credential_unknown"]);
    const log = vm.logs.join("\n");
    expect(log).toContain("credential a is refused");
    for (const secret of [OLD, NEW, ...Object.values(SECRETS)]) expect(log).not.toContain(secret.toString());
  }
});

it("refuses a configuration that holds no sealed secret", () => {
  const good = seal(NEW, "search/a", SECRETS.a);
  for (const sealedSecret of ["", "xy", good.slice(1), good.slice(0, 56)]) {
    const vm = new Vm(modulePath("tenant-auth"), new HostProcess());
    const tenants = [{ tenant: "search", credentials: [{ id: "a", sealedSecret }], tasks: [] }];
    expect(vm.configure({ tenantAuth: { tenants } }), sealedSecret).toBe(false);
  }
});

it("a changed byte anywhere opens nothing", () => {
  const good = seal(NEW, "search/a", SECRETS.a);
  for (let at = 0; at < good.length; at += 2) {
    const process = new HostProcess();
    process.environment.set("MODELGATE_SEALING_KEY", NEW);
    const vm = new Vm(modulePath("tenant-auth"), process);
    const byte = (Number.parseInt(good.slice(at, at + 2), 16) ^ 1).toString(16).padStart(2, "0");
    const sealedSecret = good.slice(0, at) + byte + good.slice(at + 2);
    vm.configure({
      tenantAuth: { tenants: [{ tenant: "search", credentials: [{ id: "a", sealedSecret }], tasks: [] }] },
    });
    expect(vm.logs.join("\n"), `byte ${at / 2}`).toContain("can't be opened");
  }
});

it("seals the same secret the same way, and no two alike", () => {
  expect(seal(NEW, "search/a", SECRETS.a)).toBe(seal(NEW, "search/a", SECRETS.a));
  const others = [
    seal(NEW, "search/b", SECRETS.a),
    seal(OLD, "search/a", SECRETS.a),
    seal(NEW, "search/a", SECRETS.b),
  ];
  expect(new Set([seal(NEW, "search/a", SECRETS.a), ...others].map((text) => text.slice(0, 24))).size).toBe(
    4,
  );
  expect(() => seal("short", "search/a", SECRETS.a)).toThrow("64 hexadecimal digits");
});

it("a signer that fills its own memory of nonces leaves the other's alone", () => {
  const vm = start(NEW);
  const full = Buffer.alloc(128 * 24);
  for (let at = 16; at < full.length; at += 24) full.writeBigInt64LE(2n ** 62n, at);
  for (let bucket = 0; bucket < 8192; bucket++)
    vm.process.sharedData.set(`modelgate.nonce.search/a/${bucket}`, { value: full, cas: 1 });
  expect(call(vm, "a")).toBe("replay_window_full");
  expect(call(vm, "b", "same")).toBe("passed");
  expect(call(vm, "b", "same")).toBe("signature_replayed");
});

it("two signers may use the same nonce, and each only once", () => {
  const vm = start(NEW);
  for (const wanted of ["passed", "signature_replayed"])
    expect(ids.map((id) => call(vm, id, "shared"))).toEqual([wanted, wanted]);
});

it.each(["rate-limit", "gateway"])("%s proves itself to the controller by a sealed token", (module) => {
  const CLUSTER = "outbound|8090||c.svc.cluster.local";
  const tokenOf = (keys: string | undefined, purpose: string) => {
    const process = new HostProcess();
    if (keys !== undefined) process.environment.set("MODELGATE_SEALING_KEY", keys);
    const vm = new Vm(modulePath(module as "gateway"), process);
    const sealedToken = seal(NEW, purpose, Buffer.from("the-token"));
    const controller = { cluster: CLUSTER, gateway: "edge/gw", sealedToken };
    const stages = { tenantAuth: { tenants: [] }, protocolConversion: {}, accessLog: {} };
    const config = { ...(module === "gateway" && stages), rateLimit: { tasks: [], tenants: [], controller } };
    expect(vm.configure(config), vm.logs.join("\n")).toBe(true);
    for (let second = 0; second < 3 && vm.callouts.length === 0; second++) {
      process.now += 1_000_000_000n;
      vm.tick();
    }
    const { headers = [] } = vm.callouts[0] ?? {};
    return { sent: new Map(headers).get("authorization"), log: vm.logs.join("\n") };
  };
  const purpose = `token for ${CLUSTER}`;
  expect(tokenOf(`${NEW},${OLD}`, purpose).sent).toBe("Bearer the-token");
  for (const { sent, log } of [
    tokenOf(OLD, purpose),
    tokenOf(undefined, purpose),
    tokenOf(NEW, "token for another"),
  ]) {
    expect(sent).toBeUndefined();
    expect(log).toContain(`the sealedToken for ${CLUSTER} can't be opened`);
    expect(log).not.toContain("the-token");
  }
});
