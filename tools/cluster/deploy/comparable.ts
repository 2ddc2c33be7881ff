import { sha256Hex } from "../../api/credential-digests.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { toYaml } from "../../lib/kubernetes/yaml.ts";
import { RENDERED } from "./unchanged.ts";

/** What the server writes by itself. */
const SERVER_FIELDS = ["managedFields", "resourceVersion", "uid", "creationTimestamp", "generation"];

/** An object as YAML without what the server writes by itself; empty for none. */
export function comparable(object: Manifest | undefined): string {
  if (!object) return "";
  const { status: _, ...rest } = object;
  const { annotations = {}, ...metadata } = object.metadata;
  for (const field of SERVER_FIELDS) delete metadata[field];
  const noted = Object.entries(annotations).filter(([name]) => name !== RENDERED);
  return toYaml(
    withoutSecrets({
      ...rest,
      metadata: { ...metadata, ...(noted.length > 0 && { annotations: Object.fromEntries(noted) }) },
    }),
  );
}

/**
 * A value with its fields in the order of their names, to be shown. Shared keys and tokens give way to the
 * start of their digest: a change shows, the key does not.
 */
export function withoutSecrets<T>(value: T): T {
  return shown(value) as T;
}

function shown(value: unknown, name = ""): unknown {
  if (Array.isArray(value)) return value.map((item) => shown(item));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(
      Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, field]) => [key, shown(field, key)]),
    );
  const isSecret = (name === "secret" || name === "token") && typeof value === "string";
  return isSecret ? `(sha256 ${sha256Hex(value).slice(0, 8)}...)` : value;
}
