import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";

const API_VERSION = "modelgate.dev/v1alpha1";

/** Writes files of many tenants into a folder, the tasks spread evenly over them. */
export async function writeMany(folder: string, tenants: number, tasks: number): Promise<void> {
  for (let t = 0; t < tenants; t++) {
    const name = `tenant-${t}`;
    const tenant = {
      apiVersion: API_VERSION,
      kind: "Tenant",
      metadata: { name },
      spec: {
        namespaces: [name],
        gateway: {
          name: "gateway",
          namespace: name,
          selector: { istio: name },
          hosts: [`*.t${t}.models.example`],
          deployment: {},
        },
        credentials: [{ id: "a", sha256: t.toString(16).padStart(64, "0") }],
        tasks: [{ task: "*" }],
        limits: { requestsPerSecond: 1000 },
      },
    };
    const own = [];
    for (let i = t; i < tasks; i += tenants)
      own.push({
        apiVersion: API_VERSION,
        kind: "ModelTask",
        metadata: { name: `task-${i}`, namespace: name },
        spec: {
          taskid: String(i),
          tenant: name,
          service: { name: `service-${i}` },
          versions: [
            { name: "v1", weight: 90 },
            { name: "v2", weight: 10 },
          ],
          limits: { requestsPerSecond: 100 },
        },
      });
    const text = [tenant, ...own].map((each) => stringify(each)).join("---\n");
    await writeFile(join(folder, `${name}.yaml`), text);
  }
}
