import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { FakeGatewayPod } from "../../support/fake-gateway-pod.ts";

const MODELGATE = fileURLToPath(new URL("../../../tools/cli/modelgate.ts", import.meta.url));
const EXAMPLES = fileURLToPath(new URL("../../../manifests/examples/search", import.meta.url));

test.each(["SIGTERM", "SIGINT"] as const)(
  "serves from files, logs JSON, and ends in good order on %s",
  async (signal) => {
    const args = [
      MODELGATE,
      "controller",
      "--config",
      EXAMPLES,
      "--listen",
      "127.0.0.1:0",
      "--admin",
      "127.0.0.1:0",
    ];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
    const lines: Record<string, string>[] = [];
    const log = createInterface(child.stderr);
    log.on("line", (line) => lines.push(JSON.parse(line)));
    await once(log, "line");
    expect(lines[0]).toMatchObject({ level: "info", msg: "the controller takes reports" });
    expect((await new FakeGatewayPod("a", 1).report(lines[0]?.url ?? "")).status).toBe(200);
    const exit = once(child, "exit");
    child.kill(signal);
    expect(await exit).toEqual([0, null]);
    expect(lines.at(-1)?.msg).toBe("stopping");
  },
);

test.each(["SIGTERM", "SIGINT"] as const)(
  "%s ends it while it waits for a cluster that says nothing",
  async (signal) => {
    const silent = createServer();
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    const server = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const folder = await mkdtemp(join(tmpdir(), "modelgate-command-"));
    const kubeconfig = join(folder, "config");
    const named = (kind: string, value: object) => [{ name: "silent", [kind]: value }];
    await writeFile(
      kubeconfig,
      JSON.stringify({
        ...{ apiVersion: "v1", kind: "Config", "current-context": "silent" },
        clusters: named("cluster", { server, "insecure-skip-tls-verify": true }),
        users: named("user", { token: "t" }),
        contexts: named("context", { cluster: "silent", user: "silent" }),
      }),
    );
    const listeners = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--authenticate", "none"];
    const args = [MODELGATE, "controller", "--kubeconfig", kubeconfig, ...listeners];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
    try {
      await once(silent, "connection");
      const exit = once(child, "exit");
      child.kill(signal);
      expect(await exit).toEqual([0, null]);
    } finally {
      child.kill("SIGKILL");
      silent.close();
      await rm(folder, { recursive: true });
    }
  },
);

describe("what is wrong with the command line is told", () => {
  test.each([
    ["no such file", ["--config", "/no/such/file"], "/no/such/file"],
    [
      "an open listener without proof",
      ["--config", EXAMPLES, "--listen", "0.0.0.0:0"],
      "--authenticate: say how",
    ],
    ["tokens without Kubernetes", ["--config", EXAMPLES, "--authenticate", "token"], "needs Kubernetes"],
    ["client certificates without TLS", ["--config", EXAMPLES, "--authenticate", "mtls"], "--client-ca"],
    [
      "a key without certificate",
      ["--config", EXAMPLES, "--tls-key", "k"],
      "--tls-cert and --tls-key: give both",
    ],
    ["an address", ["--config", EXAMPLES, "--listen", "8090"], "must be host:port"],
  ])("%s", async (_, args, message) => {
    const run = promisify(execFile)(process.execPath, [MODELGATE, "controller", ...args], {
      timeout: 20_000,
    });
    await expect(run).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(message) });
  });
});
