import { stringify } from "yaml";
import { sha256Hex } from "../credentials/digests.ts";
import type { Manifest } from "../kubernetes/manifest.ts";
import { RENDERED } from "./unchanged.ts";

/** What the server writes by itself. */
const SERVER_FIELDS = ["managedFields", "resourceVersion", "uid", "creationTimestamp", "generation"];

/** An object as YAML without what the server writes by itself; empty for none. */
export function comparable(object: Manifest | undefined): string {
  if (!object) return "";
  const { status: _, ...rest } = object;
  const { annotations = {}, ...metadata } = object.metadata;
  for (const field of SERVER_FIELDS) delete metadata[field];
  const shown = Object.entries(annotations).filter(([name]) => name !== RENDERED);
  return stringify(
    masked({
      ...rest,
      metadata: { ...metadata, ...(shown.length > 0 && { annotations: Object.fromEntries(shown) }) },
    }),
    { sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false },
  );
}

/** Shared keys and tokens give way to the start of their digest: a change shows, the key does not. */
function masked(object: object): object {
  return JSON.parse(
    JSON.stringify(object, (name, value) =>
      (name === "secret" || name === "token") && typeof value === "string"
        ? `(sha256 ${sha256Hex(value).slice(0, 8)}...)`
        : value,
    ),
  ) as object;
}
