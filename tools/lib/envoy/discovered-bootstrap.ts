import { join } from "node:path";
import type { Bootstrap } from "./bootstrap.ts";
import { fileSource, writeResources } from "./resource-file.ts";

const TYPES = {
  clusters: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
  listeners: "type.googleapis.com/envoy.config.listener.v3.Listener",
};

/**
 * A bootstrap whose listeners and clusters are in files of a folder: Envoy takes them anew when they change.
 * Streams on a listener of before go on there.
 */
export class DiscoveredBootstrap {
  private readonly folder: string;
  private readonly written = new Map<string, string>();

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Writes what is not as it was, clusters first. @returns what Envoy starts with */
  async write({ static_resources: resources, ...others }: Bootstrap): Promise<object> {
    for (const kind of ["clusters", "listeners"] as const) {
      const text = JSON.stringify(resources[kind]);
      if (this.written.get(kind) === text) continue;
      const typed = resources[kind].map((each) => ({ "@type": TYPES[kind], ...each }));
      await writeResources(this.file(kind), typed);
      this.written.set(kind, text);
    }
    return {
      ...others,
      dynamic_resources: {
        cds_config: fileSource(this.file("clusters")),
        lds_config: fileSource(this.file("listeners")),
      },
    };
  }

  private file(kind: keyof typeof TYPES): string {
    return join(this.folder, `${kind}.json`);
  }
}
