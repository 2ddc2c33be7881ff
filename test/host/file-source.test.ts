/** What `controller --config` and `dev -f` read, and read again. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, it } from "vitest";
import { FileSource } from "../../tools/servers/controller/file-source.ts";
import type { Inventory } from "../../tools/servers/controller/inventory.ts";
import { until } from "../support/until.ts";

let folder: string;
let source: FileSource | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "modelgate-files-"));
});
afterEach(async () => {
  await source?.stop();
  await rm(folder, { recursive: true });
});

const TENANT = `apiVersion: modelgate.dev/v1alpha1
kind: Tenant
metadata: { name: search }
spec:
  namespaces: [search]
  gateway: { name: gateway, namespace: search, hosts: ["*.search.example"] }
`;
const task = (spec: string) => `${TENANT}---
apiVersion: modelgate.dev/v1alpha1
kind: ModelTask
metadata: { name: ranking, namespace: search }
spec:
  taskid: "666"
  tenant: search
  service: { name: model }
${spec}`;

it.each<[string, string, string]>([
  [
    "the schema",
    "  limits: { requestsPerSecond: -1 }\n",
    "a.yaml:15: ModelTask/ranking: spec.limits.requestsPerSecond: ",
  ],
  [
    "the cross-checks",
    '  mirror: { version: "v9" }\n',
    "a.yaml:15: ModelTask/ranking: spec.mirror.version: ",
  ],
  [
    "the filter",
    '  conversion: { raw: { name: "\\ud800", datatype: FP32, shape: [1] } }\n',
    "a.yaml:11: ModelTask/ranking: spec: the filter refuses the configuration",
  ],
])(
  "a change at fault by %s is told with file, line and field; what was before stays",
  async (_by, bad, said) => {
    const file = join(folder, "a.yaml");
    await writeFile(file, task("  limits: { requestsPerSecond: 7 }\n"));
    const log: string[] = [];
    const read: Inventory[] = [];
    source = new FileSource([folder], pino({ base: null }, { write: (line) => log.push(line) }));
    await source.start((inventory) => read.push(inventory));
    expect(read).toHaveLength(1);
    await writeFile(file, task(bad));
    await until(() => log.some((line) => line.includes("at fault")), { message: "no fault was logged" });
    expect(log.join()).toContain(said);
    expect(read).toHaveLength(1);
    await writeFile(file, task("  limits: { requestsPerSecond: 8 }\n"));
    await until(() => read.length > 1, { message: "the mended file was not read" });
    expect(read.at(-1)?.tasks[0]?.spec.limits).toMatchObject({ requestsPerSecond: 8 });
  },
);

it("starts with no file at fault", async () => {
  await writeFile(
    join(folder, "a.yaml"),
    task('  conversion: { raw: { name: "\\ud800", datatype: FP32, shape: [1] } }\n'),
  );
  source = new FileSource([folder], pino({ level: "silent" }));
  await expect(source.start(() => {})).rejects.toThrow(
    "a.yaml:11: ModelTask/ranking: spec: the filter refuses",
  );
});
