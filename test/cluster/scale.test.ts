import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TemporaryFolder, temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { type ControlPlane, installDefinitions, startControlPlane } from "./support/api-server.ts";
import { writeMany } from "./support/many.ts";
import { type Run, runModelgate } from "./support/modelgate.ts";

const TENANTS = 200;
const TASKS = 5000;
const IMAGE = `oci://registry.example/modelgate/gateway@sha256:${"a".repeat(64)}`;

describe(`${TENANTS} tenants with ${TASKS} tasks`, () => {
  let folder: TemporaryFolder;
  let files: TemporaryFolder;
  let cluster: ControlPlane;
  beforeAll(async () => {
    folder = await temporaryFolder(join(tmpdir(), "modelgate-scale-"));
    files = await temporaryFolder(join(tmpdir(), "modelgate-files-"));
    await writeMany(files.path, TENANTS, TASKS);
    cluster = await startControlPlane(folder.path);
    await installDefinitions(cluster);
  });
  afterAll(async () => {
    for (const program of cluster?.programs ?? []) await program.stop();
    await folder?.remove();
    await files?.remove();
  });

  const timed = async (name: string, ...args: string[]): Promise<Run> => {
    const [started, served] = [performance.now(), await serverSeconds()];
    const run = await runModelgate(cluster.kubeconfig, [...args, "-f", files.path]);
    const seconds = (performance.now() - started) / 1000;
    const server = (await serverSeconds()) - served;
    console.log(`${name}: ${seconds.toFixed(1)} s, API server and etcd ${server.toFixed(1)} s of CPU`);
    return run;
  };

  /** CPU time that the API server and etcd have spent, in seconds. */
  async function serverSeconds(): Promise<number> {
    const programs = cluster.programs.filter(({ name }) => name !== "kube-controller-manager");
    const stats = await Promise.all(programs.map(({ pid }) => readFile(`/proc/${pid}/stat`, "utf8")));
    const ticks = stats.map((stat) => stat.slice(stat.lastIndexOf(")")).split(" "));
    return ticks.reduce((sum, fields) => sum + Number(fields[12]) + Number(fields[13]), 0) / 100;
  }

  it("render, apply, diff", { timeout: 600_000 }, async () => {
    expect((await timed("render", "render", "--image", IMAGE)).code).toBe(0);
    const homeless = await timed("diff without namespaces", "diff", "--image", IMAGE);
    expect(homeless.code).toBe(2);
    expect(homeless.stderr).toContain("--create-namespaces");
    for (let t = 0; t < TENANTS; t++)
      await cluster.client.create(
        { apiVersion: "v1", kind: "Namespace", metadata: { name: `tenant-${t}` } },
        { fieldManager: "cluster-test" },
      );
    const first = await timed("diff before", "diff", "--image", IMAGE);
    expect(first.code, first.stderr.slice(0, 2000)).toBe(1);
    expect(first.stdout.match(/^\+\+\+ ModelTask /gm)).toHaveLength(TASKS);
    const applied = await timed("apply", "apply", "--image", IMAGE);
    expect(applied.code, applied.stderr.slice(0, 2000)).toBe(0);
    expect((await timed("diff after", "diff")).code).toBe(0);
    const again = await timed("apply again", "apply");
    expect(again.stdout).toMatch(/^\d+ unchanged\n$/);
  });
});
