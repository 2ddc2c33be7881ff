import type { BootstrapOptions, WasmFilter } from "../../lib/envoy/bootstrap.ts";

/** What stands around a developer's module in a local Envoy. */
export interface Surroundings {
  /** Where requests go. */
  bootstrap: Pick<BootstrapOptions, "tasks" | "routes" | "clusters">;
  /** The filter of the chain that runs what stands in this file. */
  filter(configFile: string): object;
  /** The filter with this module, to write there. @throws Error that names the file of the folder at fault */
  configured(module: string): Promise<WasmFilter>;
  /** Is this a file of the folder that changes the filter? */
  watched(file: string): boolean;
  /** Lines that say how to try it. */
  hints(url: string): string[];
}
