import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readUnchecked } from "../../../tools/cli/options/resource-files.ts";
import { type TemporaryFolder, temporaryFolder } from "../../../tools/lib/temporary-folder.ts";

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder(join(tmpdir(), "modelgate-namespace-"));
});
afterAll(() => folder.remove());

async function read(namespace: string | undefined, metadata: string) {
  const file = join(folder.path, "task.yaml");
  const spec = 'spec: { taskid: "1", tenant: search, service: { name: s } }';
  await writeFile(
    file,
    `apiVersion: modelgate.dev/v1alpha1\nkind: ModelTask\nmetadata: ${metadata}\n${spec}\n`,
  );
  const { tasks } = await readUnchecked({ filename: [file], ...(namespace !== undefined && { namespace }) });
  return tasks[0]?.resource.metadata.namespace;
}

describe("-n", () => {
  it("is the namespace of tasks that name none", async () => {
    expect(await read("models", "{ name: a }")).toBe("models");
    expect(await read(undefined, "{ name: a }")).toBeUndefined();
    expect(await read("models", "{ name: a, namespace: models }")).toBe("models");
  });

  it("is no other than a task names", async () => {
    await expect(read("models", "{ name: a, namespace: batch }")).rejects.toThrow(
      /task\.yaml:3: ModelTask\/a: metadata\.namespace: is batch, but -n says models/,
    );
  });
});
