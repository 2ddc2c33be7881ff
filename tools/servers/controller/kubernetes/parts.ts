import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Logger } from "pino";
import type { ResourceChecks } from "../../../cluster/stored/custom-resources.ts";
import { type ConnectOptions, connect } from "../../../lib/kubernetes/connect.ts";
import type { Authenticate } from "../authenticate.ts";
import type { Leadership } from "../leadership.ts";
import type { Source } from "../source.ts";
import { LeaseElection } from "./election.ts";
import { KubernetesSource } from "./source.ts";
import { serviceAccountToken } from "./token-review.ts";

interface ClusterOptions extends ConnectOptions {
  leaseNamespace?: string | undefined;
  /** Where other controllers reach this one. */
  advertiseUrl: string;
  tokenAudiences: string[];
  checks: ResourceChecks;
  log: Logger;
}

interface ClusterParts {
  source: Source;
  leadership: Leadership;
  tokenReview: Authenticate;
}

/** What a controller in a cluster is made of. @throws Error for a kubeconfig or context that is not there */
export async function clusterParts(options: ClusterOptions): Promise<ClusterParts> {
  const { config } = await connect(options);
  return {
    source: new KubernetesSource(config, options.log, options.checks),
    leadership: new LeaseElection({
      config,
      namespace: options.leaseNamespace ?? process.env.POD_NAMESPACE ?? "modelgate-system",
      identity: `${process.env.POD_NAME ?? hostname()}_${randomUUID()}`,
      url: options.advertiseUrl,
      log: options.log,
    }),
    tokenReview: serviceAccountToken(config, options.tokenAudiences),
  };
}
