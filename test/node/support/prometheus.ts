import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { answers, type Program, startProgram } from "../../cluster/support/process.ts";
import { NODE_IP } from "./addresses.ts";

/** For pods, too. */
export const PROMETHEUS_URL = `http://${NODE_IP}:9090`;

/**
 * A Prometheus that scrapes the controllers every 5 s, as manifests/autoscaling/pod-monitor.yaml has it.
 * @param folder where it keeps what it knows
 * @param controllers addresses of their pods: Debian's Prometheus can't ask Kubernetes
 */
export async function startPrometheus(folder: string, controllers: string[]): Promise<Program> {
  const config = join(folder, "prometheus.json");
  const targets = controllers.map((address) => `${address}:8091`);
  const scrape = {
    job_name: "modelgate-controller",
    scrape_interval: "5s",
    static_configs: [{ targets }],
  };
  await writeFile(config, JSON.stringify({ scrape_configs: [scrape] }));
  return startProgram({
    ...{ name: "prometheus", command: process.env.PROMETHEUS ?? "prometheus", folder },
    args: [
      ...[`--config.file=${config}`, `--storage.tsdb.path=${join(folder, "prometheus")}`],
      `--web.listen-address=${NODE_IP}:9090`,
    ],
    ready: () => answers(`${PROMETHEUS_URL}/-/ready`),
  });
}
