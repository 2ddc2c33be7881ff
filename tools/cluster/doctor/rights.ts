import { readFile } from "node:fs/promises";
import { parseAllDocuments } from "yaml";
import { PROJECT_ROOT } from "../../lib/installation.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import { concurrently } from "../../lib/kubernetes/concurrently.ts";
import type { Finding } from "./finding.ts";

const ROLE = "manifests/controller/deployer-role.yaml";
const CONCURRENCY = 8;

interface Right {
  group: string;
  resource: string;
  subresource: string;
  verb: string;
  name: string;
}

/** Asks the API server whether one may do all that `modelgate apply` and its like do: their role's rules. */
export async function rights(client: KubernetesClient): Promise<Finding> {
  const wanted = await rightsOfRole();
  const allowed = await concurrently(wanted, CONCURRENCY, (right) => isAllowed(client, right));
  const missing = new Map<string, string[]>();
  for (const [i, right] of wanted.entries()) {
    if (allowed[i]) continue;
    const { group, resource, subresource } = right;
    const what = `${resource}${subresource && `/${subresource}`}${group && `.${group}`}`;
    missing.set(what, [...(missing.get(what) ?? []), right.verb]);
  }
  const check = "your rights";
  if (missing.size === 0)
    return { check, state: "ok", says: "you may do all that the ClusterRole modelgate-deployer allows" };
  const list = [...missing].map(([what, verbs]) => `${what} (${verbs.join(", ")})`);
  return {
    ...{ check, state: "failed" },
    says: `you may not: ${list.join("; ")}: have the ClusterRole modelgate-deployer bound to you`,
  };
}

interface Role {
  kind: string;
  rules: { apiGroups: string[]; resources: string[]; verbs: string[]; resourceNames?: string[] }[];
}

async function rightsOfRole(): Promise<Right[]> {
  const text = await readFile(new URL(ROLE, PROJECT_ROOT), "utf8");
  const [role] = parseAllDocuments(text).map((document) => document.toJS() as Role);
  return (role?.rules ?? []).flatMap(({ apiGroups, resources, verbs, resourceNames = [""] }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((each) => {
        const [resource = "", subresource = ""] = each.split("/");
        return verbs.flatMap((verb) =>
          resourceNames.map((name) => ({ group, resource, subresource, verb, name })),
        );
      }),
    ),
  );
}

async function isAllowed(client: KubernetesClient, right: Right): Promise<boolean> {
  const review = {
    ...{ apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview" },
    spec: { resourceAttributes: right },
  };
  const answer = await client.send("POST", "apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review);
  return (answer.status as { allowed: boolean }).allowed;
}
