import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { KubeConfig } from "@kubernetes/client-node";
import type { Logger } from "pino";
import type { Authenticate } from "../authenticate.ts";
import type { Leadership } from "../leadership.ts";
import type { Source } from "../source.ts";
import { LeaseElection } from "./election.ts";
import { KubernetesSource } from "./source.ts";
import { serviceAccountToken } from "./token-review.ts";

export interface ClusterOptions {
  kubeconfig?: string | undefined;
  context?: string | undefined;
  leaseNamespace?: string | undefined;
  /** Where other controllers reach this one. */
  advertiseUrl: string;
  tokenAudiences: string[];
  log: Logger;
}

/** What a controller in a cluster is made of. @throws Error when no cluster is configured */
export function clusterParts(options: ClusterOptions): {
  source: Source;
  leadership: Leadership;
  tokenReview: Authenticate;
} {
  const config = loadKubeConfig(options);
  return {
    source: new KubernetesSource(config, options.log),
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

function loadKubeConfig({ kubeconfig, context }: ClusterOptions): KubeConfig {
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(kubeconfig);
  if (context !== undefined) {
    if (config.getContextObject(context) === null)
      throw new Error(`--context: the kubeconfig has no context ${context}`);
    config.setCurrentContext(context);
  }
  return config;
}
