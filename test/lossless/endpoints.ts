import { rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TemporaryFolder, temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { pace } from "../support/pace.ts";

/** What Kubernetes, istiod and the gateway take from a pod's change to Envoy's next choice of an endpoint, milliseconds. */
const PROPAGATION_MS = 500;

/** The endpoints of a Service, as Envoy takes them from a file (EDS), with the delay that a cluster has. */
export class Endpoints {
  readonly file: string;
  private readonly folder: TemporaryFolder;
  private readonly cluster: string;
  private readonly ports = new Set<number>();
  private version = 0;

  private constructor(folder: TemporaryFolder, cluster: string) {
    this.folder = folder;
    this.cluster = cluster;
    this.file = join(folder.path, "endpoints.json");
  }

  static async create(cluster: string): Promise<Endpoints> {
    const endpoints = new Endpoints(await temporaryFolder(join(tmpdir(), "modelgate-endpoints-")), cluster);
    await endpoints.write();
    return endpoints;
  }

  async add(port: number): Promise<void> {
    await pace(PROPAGATION_MS);
    this.ports.add(port);
    await this.write();
  }

  async remove(port: number): Promise<void> {
    await pace(PROPAGATION_MS);
    this.ports.delete(port);
    await this.write();
  }

  close(): Promise<void> {
    return this.folder.remove();
  }

  private async write(): Promise<void> {
    const lb_endpoints = [...this.ports].map((port_value) => ({
      endpoint: { address: { socket_address: { address: "127.0.0.1", port_value } } },
    }));
    const assignment = {
      "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
      cluster_name: this.cluster,
      endpoints: [{ lb_endpoints }],
    };
    const temporary = join(dirname(this.file), `.new-${++this.version}`);
    await writeFile(
      temporary,
      JSON.stringify({ version_info: String(this.version), resources: [assignment] }),
    );
    await rename(temporary, this.file);
  }
}
