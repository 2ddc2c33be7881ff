import { writeFile } from "node:fs/promises";
import { request } from "node:https";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { readKustomization } from "../../tools/cluster/install/read-kustomization.ts";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import type { Manifest } from "../../tools/lib/kubernetes/manifest.ts";
import { basicAuthorization, startTokenIssuer, type TokenIssuer } from "../support/token-issuer.ts";
import { Authority, type Certificate } from "./support/certificates.ts";
import { type Cluster, startCluster } from "./support/cluster.ts";
import { pushModule } from "./support/images.ts";
import { runModelgate } from "./support/modelgate.ts";
import type { Program } from "./support/process.ts";
import { REGISTRIES, REGISTRY, startGuardedRegistry, TOKEN_HOST } from "./support/registry.ts";
import { listOf, TestTenant } from "./support/tenants.ts";
import { modelServer } from "./support/workloads.ts";

const NAMESPACE = "secrets";
const simple = new TestTenant("simple", NAMESPACE, 8443);
const mutuals = {
  istio: new TestTenant("mutual", NAMESPACE, 8444),
  "gateway-api": new TestTenant("mutual-api", NAMESPACE, 8445),
};
const pulls = {
  basic: new TestTenant("basic", NAMESPACE, 8866),
  token: new TestTenant("token", NAMESPACE, 8867),
  wrong: new TestTenant("wrong", NAMESPACE, 8868),
};
const USER = { name: "puller", password: "pull-password" };
/** Istio's agent takes the realm of a 401 for the address of a token server, and refuses what is none that is public. */
const BASIC_REALM = "https://registry.example";
/** Of `USER`, by bcrypt. */
const HTPASSWD = `${USER.name}:$2b$05$YKPrTvFffpiosOlXaUliz.USLDlKpQVHSNNfWlFTeY7BrqlNMwUNu\n`;

describe("Secrets of gateways", () => {
  let cluster: Cluster;
  let authority: Authority;
  let issuer: TokenIssuer;
  let image: string;
  const registries: Program[] = [];
  beforeAll(async () => {
    cluster = await startCluster();
    authority = await Authority.create(cluster.folder, "authority");
    image = await pushModule("gateway");
    await cluster.apply(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } },
      // What modelgate install brings.
      await gatewayRole(),
      ...[simple, ...Object.values(mutuals), ...Object.values(pulls)].flatMap(({ name }) =>
        modelServer(NAMESPACE, name, [{ version: "v1", port: 9000 }]),
      ),
    );
  });
  afterAll(async () => {
    for (const registry of registries) await registry.stop();
    issuer?.stop();
    await cluster?.stop();
  });

  const apply = async (tenant: TestTenant, gateway: object, ...more: string[]) => {
    const files = listOf(tenant.resource(gateway), tenant.task(tenant.name));
    const args = ["apply", "-f", "-", "--image", image, ...more];
    const { code, stderr } = await runModelgate(cluster.kubeconfig, args, files);
    expect(code, stderr).toBe(0);
  };
  const tlsSecret = async (name: string, { certificate, key }: Certificate, ca?: string) =>
    cluster.apply({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name, namespace: NAMESPACE },
      stringData: { "tls.crt": certificate, "tls.key": key, ...(ca !== undefined && { "ca.crt": ca }) },
    });

  describe("TLS", () => {
    it("SIMPLE: by the certificate in the Secret, and by the next one once that is there", async () => {
      const first = await authority.issue(simple.host);
      await tlsSecret("simple-cert", first);
      await apply(simple, { tls: { credentialName: "simple-cert" } }, "--wait");
      const tls = { ca: authority.certificate };
      await simple.untilServed("simple", { tls });
      expect((await simple.call("simple", { tls, headers: { "x-api-key": "wrong" } })).status).toBe(401);
      expect((await simple.call("simple")).status).toBe(0);
      const stranger = await Authority.create(cluster.folder, "stranger");
      expect((await simple.call("simple", { tls: { ca: stranger.certificate } })).body).toMatch(
        /unable to verify/,
      );
      await tlsSecret("simple-cert", await stranger.issue(simple.host));
      await simple.untilServed("simple", { tls: { ca: stranger.certificate } });
    });

    it.each(["istio", "gateway-api"] as const)(
      "MUTUAL by --target %s: callers show a certificate of the Secret's authority",
      async (target) => {
        const tenant = mutuals[target];
        const clients = await Authority.create(cluster.folder, `${target}-clients`);
        const secret = `${tenant.name}-cert`;
        await tlsSecret(secret, await authority.issue(tenant.host), clients.certificate);
        const gateway = { tls: { credentialName: secret, mutual: true } };
        await apply(tenant, gateway, "--wait", "--target", target);
        const tls = async (issued: Promise<Certificate>) => {
          const { certificate, key } = await issued;
          return { ca: authority.certificate, cert: certificate, key };
        };
        await tenant.untilServed(tenant.name, { tls: await tls(clients.issue("caller")) });
        expect((await tenant.call(tenant.name, { tls: { ca: authority.certificate } })).status).toBe(0);
        const foreign = await tls(authority.issue("foreign-caller"));
        expect((await tenant.call(tenant.name, { tls: foreign })).status).toBe(0);
      },
    );

    it("speaks HTTP/2 to those who ask for it", async () => {
      const tls: ConnectionOptions = {
        ca: authority.certificate,
        rejectUnauthorized: false,
        ALPNProtocols: ["h2"],
      };
      const protocol = await new Promise((resolve, reject) => {
        const sent = request({ host: "10.88.0.1", port: simple.port, servername: simple.host, ...tls });
        sent.once("socket", (socket) =>
          socket.once("secureConnect", () => {
            resolve((socket as TLSSocket).alpnProtocol);
            sent.destroy();
          }),
        );
        sent.on("error", reject);
      });
      expect(protocol).toBe("h2");
    });
  });

  describe("pull secrets", () => {
    beforeAll(async () => {
      const htpasswd = `${cluster.folder}/htpasswd`;
      await writeFile(htpasswd, HTPASSWD);
      issuer = await startTokenIssuer(
        cluster.folder,
        (authorization) => authorization === basicAuthorization(USER.name, USER.password),
        TOKEN_HOST,
      );
      registries.push(
        await startGuardedRegistry(cluster.folder, "basic", {
          htpasswd: { realm: BASIC_REALM, path: htpasswd },
        }),
        await startGuardedRegistry(cluster.folder, "token", issuer.auth),
      );
    });

    const pullSecret = (name: string, registry: string, password: string): Manifest => {
      const auth = Buffer.from(`${USER.name}:${password}`).toString("base64");
      return {
        apiVersion: "v1",
        kind: "Secret",
        type: "kubernetes.io/dockerconfigjson",
        metadata: { name, namespace: NAMESPACE },
        stringData: { ".dockerconfigjson": JSON.stringify({ auths: { [registry]: { auth } } }) },
      };
    };
    const filterOf = (registry: string, pullSecret: string) => ({
      filter: { image: image.replace(REGISTRY, registry), pullSecret },
    });

    it.each(["basic", "token"] as const)("of a registry with %s authentication", async (kind) => {
      await cluster.apply(pullSecret(kind, REGISTRIES[kind], USER.password));
      await apply(pulls[kind], filterOf(REGISTRIES[kind], kind), "--wait");
      await pulls[kind].untilServed(kind);
      expect((await pulls[kind].call(kind, { headers: { "x-api-key": "wrong" } })).status).toBe(401);
    });

    it("with a wrong password the gateway lets nobody through, and status says so", async () => {
      await cluster.apply(pullSecret("wrong", REGISTRIES.basic, "no"));
      await apply(pulls.wrong, filterOf(REGISTRIES.basic, "wrong"));
      const pod = "istio=wrong-gateway";
      await vi.waitFor(
        async () => {
          const pods = await cluster.client.list("v1", "Pod", { namespace: NAMESPACE, labelSelector: pod });
          expect(cluster.node.gateway(pods[0]?.metadata.name ?? "")).toBeDefined();
          expect((await pulls.wrong.call("wrong")).status).toBeGreaterThan(0);
        },
        { timeout: 30_000, interval: 200 },
      );
      for (let i = 0; i < 20; i++) expect((await pulls.wrong.call("wrong")).status).not.toBe(200);
      const { code, stdout } = await runModelgate(cluster.kubeconfig, ["status", "wrong"]);
      expect(code).toBe(1);
      expect(stdout).toMatch(/no filter: Envoy or pilot-agent could not take it/);
      await cluster.apply(pullSecret("wrong", REGISTRIES.basic, USER.password));
      await pulls.wrong.untilServed("wrong");
    });
  });
});

async function gatewayRole(): Promise<Manifest> {
  const installed = await readKustomization(fileURLToPath(new URL("manifests/controller", PROJECT_ROOT)));
  return installed.find(({ metadata }) => metadata.name === "modelgate-gateway") as Manifest;
}
