import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packImage } from "../../tools/oci/image.ts";
import { parseReference } from "../../tools/oci/reference.ts";
import { pushImage } from "../../tools/oci/registry.ts";
import { PROJECT_ROOT } from "../../tools/wasm/modules.ts";
import { readModule } from "../../tools/wasm/read.ts";
import { type Cluster, startCluster } from "./support/cluster.ts";
import { REGISTRY } from "./support/registry.ts";
import { post } from "./support/requests.ts";
import { modelServer } from "./support/workloads.ts";

const EXAMPLE = fileURLToPath(new URL("manifests/examples/search", PROJECT_ROOT));
const MODELGATE = fileURLToPath(new URL("tools/modelgate.ts", PROJECT_ROOT));

interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

describe("a new tenant", () => {
  let cluster: Cluster;
  let image: string;
  beforeAll(async () => {
    cluster = await startCluster();
    image = await pushImage(
      await packImage(await readModule("gateway"), "compat"),
      parseReference(`oci://${REGISTRY}/modelgate/gateway:v1`),
    );
    await cluster.apply(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "search" } },
      ...modelServer("search", "service-666", [{ version: "v1", port: 9000 }]),
      ...modelServer("search", "service-667", [
        { version: "v1", port: 9001 },
        { version: "v2", port: 9002 },
      ]),
    );
  });
  afterAll(() => cluster?.stop());

  const modelgate = (...args: string[]): Promise<Run> =>
    new Promise((resolve) => {
      const options = { env: { ...process.env, KUBECONFIG: cluster.kubeconfig } };
      execFile(process.execPath, [MODELGATE, ...args], options, (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
      });
    });

  it("differs before it is applied", async () => {
    const { code, stdout, stderr } = await modelgate("diff", "-f", EXAMPLE, "--image", image);
    expect(stderr).toBe("");
    expect(code).toBe(1);
    expect(stdout).toContain("+++ VirtualService search/ranking");
  });

  it("serves after one apply", async () => {
    const { code, stdout, stderr } = await modelgate("apply", "-f", EXAMPLE, "--image", image, "--wait");
    expect(stderr.replace(/^waiting: .*\n/gm, "")).toBe("");
    expect(code).toBe(0);
    expect(stdout).toContain("WasmPlugin search/search-gateway-modelgate created");
    expect(await post({ taskid: "666" }, 200)).toContain('"y"');
    expect(await post({ taskid: "667", version: "v2" }, 200)).toContain('"y"');
    await post({ taskid: "667", version: "v9" }, 404);
    expect(await post({ taskid: "666", "x-api-key": "wrong" }, 401)).toContain("credential_unknown");
  });

  it("differs no more", async () => {
    expect(await modelgate("diff", "-f", EXAMPLE)).toEqual({ code: 0, stdout: "", stderr: "" });
    const { stdout } = await modelgate("apply", "-f", EXAMPLE);
    expect(stdout).toMatch(/^\d+ unchanged\n$/);
  });

  it("status", async () => {
    const { code, stdout } = await modelgate("status");
    console.log(stdout);
    expect(code).toBe(0);
    expect(stdout).toContain("in sync");
  });
});
