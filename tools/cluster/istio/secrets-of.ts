import type { Tenant } from "../../api/tenant.ts";
import type { ControllerAddress } from "./rate-limit-config.ts";
import { isServed } from "./tenant-auth-config.ts";

/** A secret that the plug-in configuration needs itself, and not as a digest. */
export interface RenderedSecret {
  /** The field of the Tenant that it comes from; of the controller's token there is none. */
  path: (string | number)[];
  /** As a fault names it. */
  what: string;
}

/** The secrets that a gateway's plug-in configuration holds: signers' keys, and tokens for servers. */
export function secretsOf({ spec }: Tenant, controller: ControllerAddress | undefined): RenderedSecret[] {
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
    ...(gateway.tuning.accessLog.collector?.tokenSecret === undefined
      ? []
      : [{ path: COLLECTOR_TOKEN, what: "the token for the collector" }]),
    ...(controller?.tokenSecret === undefined
      ? []
      : [{ path: ["spec", "gateway"], what: "the token for the controller" }]),
  ];
}

export const COLLECTOR_TOKEN = ["spec", "gateway", "tuning", "accessLog", "collector", "tokenSecret"];
