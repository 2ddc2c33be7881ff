import { type ModelTask, modelNames, passesOpenAi } from "../../api/model-task.ts";
import type { Tenant } from "../../api/tenant.ts";
import { sealedOrClear } from "./seal.ts";
import type { SecretLookup } from "./secret-lookup.ts";
import { envoyStreamMilliseconds } from "./streams-config.ts";

/** What tenant-auth must know of a task that is called by the name of its model. */
export interface LanguageModelConfig {
  taskid: string;
  models: string[];
  versions?: string[];
  cluster: string;
  basePath?: string;
  apiKey?: string;
  sealedApiKey?: string;
  [field: string]: unknown;
}

/**
 * The tenant's language models, as filters/tenant-auth/language-models/read-models.ts reads them.
 * @param clusterOf Envoy's name for where a task is served
 * @throws Error for a Secret that `secrets` does not know
 */
export function languageModelsConfig(
  tenant: Tenant,
  tasks: ModelTask[],
  secrets: SecretLookup,
  clusterOf: (task: ModelTask) => string,
): LanguageModelConfig[] {
  return tasks
    .filter(({ spec }) => spec.protocol === "openai")
    .map((task) => {
      const { taskid, versions, openai } = task.spec;
      const streamTimeoutMilliseconds = envoyStreamMilliseconds(task.spec);
      return {
        taskid,
        models: modelNames(task),
        ...(versions.length > 0 && { versions: versions.map(({ name }) => name) }),
        cluster: clusterOf(task),
        ...(passesOpenAi(task.spec) && { basePath: openai?.basePath ?? "/v1" }),
        ...apiKeyOf(tenant, task, secrets),
        ...(streamTimeoutMilliseconds > 0 && { streamTimeoutMilliseconds }),
      };
    });
}

/** The model server's own key, sealed where the gateway has a key to open it with. */
function apiKeyOf(
  tenant: Tenant,
  { metadata, spec }: ModelTask,
  secrets: SecretLookup,
): Pick<LanguageModelConfig, "apiKey" | "sealedApiKey"> {
  const secret = spec.openai?.apiKeySecret;
  if (!secret) return {};
  const { namespace } = tenant.spec.gateway;
  const value = secrets(namespace, secret.name, secret.key);
  if (!value)
    throw new Error(
      `ModelTask ${metadata.name}: spec.openai.apiKeySecret: Secret ${namespace}/${secret.name}, key ${secret.key}: is not known`,
    );
  const made = sealedOrClear(tenant, secrets, `model server of ${spec.taskid}`, value);
  return "sealed" in made ? { sealedApiKey: made.sealed } : { apiKey: Buffer.from(made.clear).toString() };
}

/** Do a task's requests get an `authorization` that no route may remove? */
export function hasServerKey({ spec }: ModelTask): boolean {
  return spec.openai?.apiKeySecret !== undefined;
}
