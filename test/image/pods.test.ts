import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningEnvoy, startEnvoy } from "../../tools/lib/envoy/process.ts";
import { packImage } from "../../tools/lib/oci/image.ts";
import { parseReference } from "../../tools/lib/oci/reference.ts";
import { pullManifest, pushImage } from "../../tools/lib/oci/registry.ts";
import { type TemporaryFolder, temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { readModule } from "../../tools/lib/wasm/read.ts";
import { stagePackage } from "../../tools/release/stage.ts";
import { areBuilt } from "../cluster/support/programs.ts";
import { type Archive, addProgram, makeArchive } from "../node/support/image-archive.ts";
import { ENVOY_IMAGE, MODEL_SERVER_IMAGE, makeImages, PROXY_IMAGE } from "../node/support/images.ts";
import { startManagementServer } from "../support/management-server.ts";
import { missingPrograms } from "../support/registry.ts";
import { until } from "../support/until.ts";
import { Engine, whyNoEngine } from "./engine.ts";

/** As pods run: no right, nothing to write to. */
const RESTRICTED = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];
const REGISTRY_IMAGE = "modelgate.test/registry:test";
const GRACE_SECONDS = 30;
/** A gRPC message without a field. */
const EMPTY = Buffer.alloc(5);

const lacking = missingPrograms("go", "docker-registry");
const reason =
  whyNoEngine() ??
  (lacking.length > 0 ? `install ${lacking.join(", ")}` : undefined) ??
  ((await areBuilt("istio")) ? undefined : "npm run test:node builds Istio's programs, and takes minutes");
if (reason) console.warn(`the images of test:node are not tested: ${reason}`);

describe.skipIf(reason !== undefined)("the images that test:node makes", () => {
  let engine: Engine;
  let folder: TemporaryFolder;
  let archives: Archive[];
  beforeAll(async () => {
    await stagePackage();
    folder = await temporaryFolder(join(tmpdir(), "modelgate-images-"));
    archives = await makeImages(join(folder.path, "first"));
    engine = await Engine.start({ base: false });
    for (const { path } of archives) await engine.must("load", "-i", path);
  });
  afterAll(async () => {
    await engine?.stop();
    await folder?.remove();
  });

  it("are the same when they are made again", async () => {
    const again = await makeImages(join(folder.path, "second"));
    expect(again.map(({ digests }) => digests)).toEqual(archives.map(({ digests }) => digests));
  });

  const inspect = async (image: string) => JSON.parse(await engine.must("image", "inspect", image))[0];
  const fileOf = async (image: string, path: string) => {
    const id = await engine.must("create", image, "none");
    const target = join(folder.path, "copied");
    await engine.must("cp", `${id}:${path}`, target);
    await engine.must("rm", id);
    return readFile(target, "utf8");
  };

  it.each([
    [PROXY_IMAGE, "1337:1337", 150e6, "istio.io/istio"],
    [MODEL_SERVER_IMAGE, "10001:10001", 320e6, "@grpc/grpc-js"],
  ])("%s: of user %s, small, with a bill of materials", async (image, user, limit, part) => {
    const { Size, Config } = await inspect(image);
    console.log(`${image}: ${(Size / 1e6).toFixed(0)} MB`);
    expect(Config.User).toBe(user);
    expect(Size).toBeLessThan(limit);
    const { components } = JSON.parse(await fileOf(image, "/sbom.cdx.json"));
    expect(components.map(({ name }: { name: string }) => name)).toContain(part);
  });

  /** Asks a container to end. @returns its exit code */
  async function stopped(name: string): Promise<number> {
    const started = Date.now();
    await engine.must("stop", "-t", String(GRACE_SECONDS), name);
    const seconds = (Date.now() - started) / 1000;
    console.log(`${name} ended ${seconds.toFixed(1)} s after SIGTERM`);
    expect(seconds).toBeLessThan(GRACE_SECONDS / 2);
    return Number(await engine.must("inspect", "-f", "{{.State.ExitCode}}", name));
  }

  it("the model server comes up without any right, and ends at SIGTERM", async () => {
    await engine.must("run", "-d", "--name", "model", ...RESTRICTED, MODEL_SERVER_IMAGE);
    const address = await engine.must("inspect", "-f", "{{.NetworkSettings.IPAddress}}", "model");
    const serves = () => grpcStatus(`http://${address}:8866`, "/inference.GRPCInferenceService/ServerReady");
    await until(async () => (await serves()) === "0", { message: "the model server does not answer" });
    expect(await stopped("model")).toBe(0);
  });

  it("Envoy of the gateway's image comes up without any right, and ends at SIGTERM", async () => {
    const admin = { address: { socket_address: { address: "0.0.0.0", port_value: 15000 } } };
    const envoy = ["--entrypoint", "/usr/local/bin/envoy", PROXY_IMAGE];
    const args = ["--config-yaml", JSON.stringify({ admin }), "--disable-hot-restart"];
    await engine.must("run", "-d", "--name", "gateway", ...RESTRICTED, ...envoy, ...args);
    const address = await engine.must("inspect", "-f", "{{.NetworkSettings.IPAddress}}", "gateway");
    const ready = async () => (await fetch(`http://${address}:15000/ready`).catch(() => undefined))?.ok;
    await until(ready, { message: "Envoy is not ready" });
    expect(await stopped("gateway")).toBe(0);
  });

  it("Istio's agent of the gateway's image makes its Envoy ready without any right, and ends at SIGTERM", async () => {
    const host = await engine.must(
      "network",
      "inspect",
      "bridge",
      "-f",
      "{{(index .IPAM.Config 0).Gateway}}",
    );
    const istiod = await startManagementServer([], host);
    const config = { discoveryAddress: `${host}:${istiod.port}`, controlPlaneAuthPolicy: "NONE" };
    const environment = {
      ...{ PROXY_CONFIG: JSON.stringify(config), FILE_MOUNTED_CERTS: "true", ISTIO_DELTA_XDS: "false" },
      ...{
        POD_NAME: "agent",
        POD_NAMESPACE: "default",
        INSTANCE_IP: "127.0.0.1",
        SERVICE_ACCOUNT: "default",
      },
    };
    // Where a pod has an emptyDir.
    const folders = [
      "/etc/istio/proxy",
      "/var/lib/istio/data",
      "/var/run/secrets/workload-spiffe-uds",
    ].flatMap((path) => ["--tmpfs", `${path}:uid=1337,gid=1337`]);
    const variables = Object.entries(environment).flatMap((each) => ["-e", each.join("=")]);
    const args = ["proxy", "router", "--domain", "default.svc.cluster.local"];
    await engine.must(
      ...["run", "-d", "--name", "agent", ...RESTRICTED, ...folders, ...variables, PROXY_IMAGE, ...args],
    );
    const address = await engine.must("inspect", "-f", "{{.NetworkSettings.IPAddress}}", "agent");
    const ready = async () =>
      (await fetch(`http://${address}:15021/healthz/ready`).catch(() => undefined))?.ok ?? false;
    await until(ready, { message: "the agent's Envoy is not ready" }).catch(async (error: Error) => {
      const { stdout, stderr } = await engine.docker("logs", "--tail", "30", "agent");
      throw new Error(`${error.message}:\n${stdout}${stderr}`);
    });
    expect(await stopped("agent")).toBe(0);
    istiod.stop();
  });

  describe("by Testcontainers, whose own images no registry gives us here", () => {
    let running: RunningEnvoy | undefined;
    beforeAll(() => {
      process.env.DOCKER_HOST = engine.host;
      // It removes what a killed process leaves; the engine ends with this test anyway.
      process.env.TESTCONTAINERS_RYUK_DISABLED = "true";
    });
    afterAll(async () => {
      await running?.stop();
      delete process.env.DOCKER_HOST;
    });

    it("an Envoy starts as it does where no program of it can be had", async () => {
      const address = { socket_address: { address: "127.0.0.1", port_value: 0 } };
      const route = {
        match: { prefix: "/" },
        direct_response: { status: 200, body: { inline_string: "hi" } },
      };
      const manager = {
        "@type":
          "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix: "test",
        route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes: [route] }] },
        http_filters: [
          {
            name: "router",
            typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
          },
        ],
      };
      const filters = [{ name: "http", typed_config: manager }];
      const listeners = [{ name: "in", address, filter_chains: [{ filters }] }];
      const bootstrap = { admin: { address }, static_resources: { listeners } };
      running = await startEnvoy({ envoy: { image: ENVOY_IMAGE }, bootstrap, concurrency: 1 });
      expect(await (await fetch(`http://127.0.0.1:${running.port}/`)).text()).toBe("hi");
      expect(await engine.must("ps", "--format", "{{.Image}}")).toBe(ENVOY_IMAGE);
      await running.stop();
      running = undefined;
      expect(await engine.must("ps", "-q")).toBe("");
    });

    it("an Envoy that ends says why, at once", async () => {
      const bootstrap = { nonsense: true };
      const started = startEnvoy({ envoy: { image: ENVOY_IMAGE }, bootstrap, concurrency: 1 });
      await expect(started).rejects.toThrow(/Envoy did not start: it exited[\s\S]*nonsense/);
    });

    it("a registry takes the filter and gives it back", async () => {
      const { path } = await makeArchive(
        folder.path,
        "registry",
        (root) => addProgram(root, "/usr/bin/docker-registry", "bin/docker-registry"),
        { [REGISTRY_IMAGE]: { User: "65532:65532", Entrypoint: ["/bin/docker-registry"] } },
      );
      await engine.must("load", "-i", path);
      const { GenericContainer, Wait } = await import("testcontainers");
      const config = { version: 0.1, storage: { inmemory: {} }, http: { addr: ":5000" } };
      const registry = await new GenericContainer(REGISTRY_IMAGE)
        .withExposedPorts(5000)
        .withCopyContentToContainer([{ content: JSON.stringify(config), target: "/tmp/config.json" }])
        .withCommand(["serve", "/tmp/config.json"])
        .withWaitStrategy(Wait.forHttp("/v2/", 5000))
        .start();
      const reference = parseReference(
        `oci://127.0.0.1:${registry.getMappedPort(5000)}/modelgate/gateway:v1`,
      );
      const pushed = await pushImage(await packImage(await readModule("gateway"), "compat"), reference);
      const pulled = await pullManifest(parseReference(pushed));
      expect(pushed).toContain(pulled?.digest);
      await registry.stop();
    });
  });
});

/** Status of a unary call with an empty message; undefined when nobody answers. */
async function grpcStatus(origin: string, path: string): Promise<string | undefined> {
  const session = connect(origin);
  try {
    session.on("error", () => undefined);
    const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
    const call = session.request(headers);
    call.end(EMPTY);
    call.resume();
    const [trailers] = await once(call, "trailers");
    return trailers["grpc-status"];
  } catch {
    return undefined;
  } finally {
    session.destroy();
  }
}
