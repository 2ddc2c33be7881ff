import { createHash } from "node:crypto";
import { AuthenticationV1Api, type KubeConfig } from "@kubernetes/client-node";
import { LRUCache } from "lru-cache";
import { within } from "../../../lib/kubernetes/within.ts";
import { bearerToken } from "../../http/bearer-token.ts";
import type { Authenticate, Caller } from "../authenticate.ts";

const ACCEPTED_FOR_MS = 60_000;
const REFUSED_FOR_MS = 5_000;
const MOST_TOKENS = 5_000;
/**
 * Shorter than gateways wait for their answer, so that what is known of a token serves when the API server is
 * silent.
 */
const REVIEW_WITHIN_MS = 700;

/** Extra fields of tokens that are bound to a pod (KEP-1205, Bound Service Account Tokens). */
const POD_NAME = "authentication.kubernetes.io/pod-name";

/**
 * Takes ServiceAccount tokens, by the API server's TokenReview. The account binds the caller to its
 * namespace, and a bound token to its pod. Answers are kept for a minute, by a digest of the token. The
 * returned function throws when the API server can't be asked about a token that it wasn't asked about
 * before.
 * @param audiences the token must be for one of these; the API server's own when empty
 */
export function serviceAccountToken(config: KubeConfig, audiences: string[]): Authenticate {
  const api = config.makeApiClient(AuthenticationV1Api);
  const known = new LRUCache<string, { caller: Caller | "credential_unknown" }, string>({
    max: MOST_TOKENS,
    ttl: ACCEPTED_FOR_MS,
    // A token that was good stays so while the API server can't be asked.
    allowStaleOnFetchRejection: true,
    fetchMethod: async (_, __, { context: token, options }) => {
      const caller = await review(api, token, audiences);
      if (typeof caller === "string") options.ttl = REFUSED_FOR_MS;
      return { caller };
    },
  });
  return async (headers) => {
    const token = bearerToken(headers);
    if (token === undefined) return "credential_missing";
    const digest = createHash("sha256").update(token).digest("base64");
    const found = await known.fetch(digest, { context: token });
    if (found === undefined) throw new Error("TokenReview failed");
    return found.caller;
  };
}

async function review(
  api: AuthenticationV1Api,
  token: string,
  audiences: string[],
): Promise<Caller | "credential_unknown"> {
  const spec = audiences.length > 0 ? { token, audiences } : { token };
  const { status } = await api.createTokenReview({ body: { spec } }, within(REVIEW_WITHIN_MS));
  const [, namespace] = /^system:serviceaccount:([^:]+):[^:]+$/.exec(status?.user?.username ?? "") ?? [];
  if (status?.authenticated !== true || namespace === undefined) return "credential_unknown";
  // A server that knows nothing of audiences would take a token for any (authentication/v1,
  // TokenReviewStatus.audiences).
  if (audiences.length > 0 && !audiences.some((each) => status.audiences?.includes(each)))
    return "credential_unknown";
  const pod = status.user?.extra?.[POD_NAME]?.[0];
  return pod === undefined ? { namespace } : { namespace, pod };
}
