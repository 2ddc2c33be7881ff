import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { answers, type Program, startProgram } from "./process.ts";
import { program } from "./programs.ts";

/** What an upstream Envoy without Istio's own extensions, and a mesh without sidecars, need. */
const MESH = {
  enableAutoMtls: false,
  rootNamespace: "istio-system",
  defaultConfig: { discoveryAddress: "127.0.0.1:15010" },
};

/** Starts istiod against the API server; proxies reach it at 127.0.0.1:15010. */
export async function startIstiod(folder: string, kubeconfig: string): Promise<Program> {
  const mesh = join(folder, "mesh.json");
  await writeFile(mesh, JSON.stringify(MESH));
  return startProgram({
    name: "istiod",
    folder,
    command: await program("istio", "pilot-discovery"),
    args: [
      ...["discovery", "--kubeconfig", kubeconfig, "--meshConfig", mesh],
      ...["--grpcAddr", "127.0.0.1:15010", "--secureGRPCAddr", "", "--httpsAddr", ""],
      ...["--httpAddr", "127.0.0.1:15080", "--monitoringAddr", "127.0.0.1:15014"],
    ],
    env: {
      POD_NAMESPACE: "istio-system",
      POD_NAME: "istiod-0",
      ENABLE_CA_SERVER: "false",
      // Gateways prove by their ServiceAccount's token who they are, or get no Secrets; here without TLS.
      XDS_AUTH_PLAINTEXT: "true",
      PILOT_CERT_PROVIDER: "none",
      PILOT_ENABLE_METADATA_EXCHANGE: "false",
      PILOT_ENABLE_ALPN_FILTER: "false",
    },
    ready: () => answers("http://127.0.0.1:15080/ready"),
  });
}
