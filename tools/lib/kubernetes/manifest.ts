/** A Kubernetes object as JSON. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    [field: string]: unknown;
  };
  [field: string]: unknown;
}

/** `kind/name`, with the namespace in front where there is one: `VirtualService search/task-666`. */
export function resourceName({ kind, metadata: { name, namespace } }: Manifest): string {
  return namespace ? `${kind} ${namespace}/${name}` : `${kind} ${name}`;
}
