import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TemporaryFolder, temporaryFolder } from "../../tools/temporary-folder.ts";
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
    const started = performance.now();
    const run = await runModelgate(cluster.kubeconfig, [...args, "-f", files.path]);
    console.log(`${name}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
    return run;
  };

  it("render, apply, diff", { timeout: 600_000 }, async () => {
    expect((await timed("render", "render", "--image", IMAGE)).code).toBe(0);
    const first = await timed("diff before", "diff", "--image", IMAGE);
    expect(first.code, first.stderr.slice(0, 2000)).toBe(2);
    expect(first.stderr).toContain("--create-namespaces");
    const applied = await timed("apply", "apply", "--image", IMAGE, "--create-namespaces");
    expect(applied.code, applied.stderr.slice(0, 2000)).toBe(0);
    expect((await timed("diff after", "diff")).code).toBe(0);
    const again = await timed("apply again", "apply");
    expect(again.stdout).toMatch(/^\d+ unchanged\n$/);
  });
});
