import type { ModelTask } from "../../api/model-task.ts";
import type { Tenant } from "../../api/tenant.ts";
import { hasServerKey } from "./language-models-config.ts";
import type { ControllerAddress } from "./rate-limit-config.ts";
import { isServed } from "./tenant-auth-config.ts";

/** A secret that the plug-in configuration needs itself, and not as a digest. */
export interface RenderedSecret {
  /** The field of the Tenant that it comes from; of the controller's token there is none. */
  path: (string | number)[];
  /** As a fault names it. */
  what: string;
}

/**
 * The secrets that a gateway's plug-in configuration holds: signers' keys, model servers' keys, and tokens
 * for servers.
 * @param tasks of any tenants
 */
export function secretsOf(
  { metadata, spec }: Tenant,
  tasks: ModelTask[],
  controller: ControllerAddress | undefined,
): RenderedSecret[] {
  const { gateway, credentials } = spec;
  return [
    ...credentials.flatMap((credential, index) =>
      credential.type === "hmac" && isServed(credential)
        ? [
            {
              path: ["spec", "credentials", index, "secretRef"],
              what: `the key of credential ${credential.id}`,
            },
          ]
        : [],
    ),
    ...tasks.flatMap((task) =>
      task.spec.tenant === metadata.name && hasServerKey(task)
        ? [{ path: ["spec", "gateway"], what: `the key of the model server of task ${task.spec.taskid}` }]
        : [],
    ),
    ...(gateway.tuning.accessLog.collector?.tokenSecret === undefined
      ? []
      : [{ path: COLLECTOR_TOKEN, what: "the token for the collector" }]),
    ...(controller?.tokenSecret === undefined
      ? []
      : [{ path: ["spec", "gateway"], what: "the token for the controller" }]),
  ];
}

export const COLLECTOR_TOKEN = ["spec", "gateway", "tuning", "accessLog", "collector", "tokenSecret"];
