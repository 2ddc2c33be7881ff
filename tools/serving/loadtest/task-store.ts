import type { Change } from "../../api/change.ts";
import { byKind } from "../../api/cross-check.ts";
import { editedText, locate, writeWhole } from "../../api/edit-file.ts";
import { InvalidResources } from "../../api/fault.ts";
import { API_VERSION } from "../../api/fields.ts";
import { fromCluster, parseResources } from "../../api/load.ts";
import type { ModelTask } from "../../api/model-task.ts";
import { readSources } from "../../api/read.ts";
import { FIELD_MANAGER } from "../../cluster/deploy/apply.ts";
import { namespaceOf } from "../../cluster/istio/names.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";

/** Where ModelTasks are kept: files, or a cluster. */
export interface TaskStore {
  tasks: ModelTask[];
  /**
   * Writes `limits.perReplica` of a task, in place of `requestsPerSecond`.
   * @param tokens of a language model: `openai.tokenLimits.perReplica`, in place of `tokensPerSecond`
   * @returns where it was written
   */
  writePerReplica(task: ModelTask, perReplica: number, tokens?: number): Promise<string>;
}

/** @throws InvalidResources; Error for a file that can't be read */
export async function tasksOfFiles(paths: string[], recursive: boolean): Promise<TaskStore> {
  const sources = await readSources(paths, { recursive });
  const { resources, faults } = parseResources(sources);
  if (faults.length > 0) throw new InvalidResources(faults);
  return {
    tasks: byKind(resources).tasks.map(({ resource }) => resource),
    async writePerReplica(task, perReplica, tokens) {
      const { source, root } = locate(sources, "ModelTask", task.metadata.name, namespaceOf(task.metadata));
      if (source.file === "stdin") throw new Error("stdin can't be edited: name a file with -f");
      const text = editedText(source, root, [
        changeOf(task, perReplica),
        ...(tokens === undefined ? [] : [tokenChangeOf(task, tokens)]),
      ]);
      const checked = parseResources([{ file: source.file, text }]);
      if (checked.faults.length > 0) throw new InvalidResources(checked.faults);
      await writeWhole(source.file, text);
      return source.file;
    },
  };
}

/** @throws ApiError */
export async function tasksOfCluster(client: KubernetesClient, namespace?: string): Promise<TaskStore> {
  const objects = await client.list(API_VERSION, "ModelTask", namespace === undefined ? {} : { namespace });
  const tasks = objects
    .map(fromCluster)
    .flatMap((loaded) => (loaded?.resource.kind === "ModelTask" ? [loaded.resource] : []));
  return {
    tasks,
    async writePerReplica(task, perReplica, tokens) {
      const { name, namespace: of = "default" } = task.metadata;
      const object = objects.find(({ metadata }) => metadata.name === name && metadata.namespace === of);
      if (!object) throw new Error(`there is no ModelTask ${of}/${name} in the cluster`);
      await client.update(
        object,
        {
          metadata: { resourceVersion: object.metadata.resourceVersion },
          spec: {
            limits: { perReplica, requestsPerSecond: null },
            ...(tokens !== undefined && {
              openai: { tokenLimits: { perReplica: tokens, tokensPerSecond: null } },
            }),
          },
        },
        { fieldManager: FIELD_MANAGER },
      );
      return `ModelTask ${of}/${name} in the cluster`;
    },
  };
}

/** A limit over all replicas is replaced, with what else the limits say kept. */
function changeOf({ spec: { limits } }: ModelTask, perReplica: number): Change {
  if (limits === undefined) return { set: { perReplica }, field: "limits", of: ["spec"] };
  const change = { set: perReplica, field: "perReplica", of: ["spec", "limits"] };
  return limits.requestsPerSecond === undefined ? change : { ...change, insteadOf: "requestsPerSecond" };
}

function tokenChangeOf({ spec: { openai } }: ModelTask, perReplica: number): Change {
  if (openai === undefined) return { set: { tokenLimits: { perReplica } }, field: "openai", of: ["spec"] };
  const limits = openai.tokenLimits;
  if (limits === undefined) return { set: { perReplica }, field: "tokenLimits", of: ["spec", "openai"] };
  const change = { set: perReplica, field: "perReplica", of: ["spec", "openai", "tokenLimits"] };
  return limits.tokensPerSecond === undefined ? change : { ...change, insteadOf: "tokensPerSecond" };
}
