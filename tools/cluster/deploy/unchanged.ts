import { createHash } from "node:crypto";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";

/** Annotation with the SHA-256 of an object as it was rendered. */
export const RENDERED = "modelgate.dev/rendered";

/**
 * The object with the digest of its own rendering as an annotation, in which the order of fields does not
 * count.
 */
export function stamped(manifest: Manifest): Manifest {
  const known = stamps.get(manifest);
  if (known) return known;
  const digest = createHash("sha256").update(JSON.stringify(manifest, inOrder)).digest("hex");
  const { metadata } = manifest;
  const object = {
    ...manifest,
    metadata: { ...metadata, annotations: { ...metadata.annotations, [RENDERED]: digest } },
  };
  stamps.set(manifest, object);
  return object;
}

/** Of renderings that are made once and kept, the stamped object. */
const stamps = new WeakMap<Manifest, Manifest>();
/** Of live objects, as the watch keeps them, what they were found to hold. */
const held = new WeakMap<Manifest, Manifest>();

/**
 * A replacer of JSON.stringify that puts fields in the order of their names: the API server does so as well.
 */
function inOrder(_name: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Whether applying a stamped object would change nothing: the live one was applied from the same rendering,
 * and every field of that still has its value.
 */
export function isUnchanged(live: Manifest, desired: Manifest): boolean {
  if (held.get(live) === desired) return true;
  const isSame =
    live.metadata.annotations?.[RENDERED] === desired.metadata.annotations?.[RENDERED] &&
    covers(live, desired);
  if (isSame) held.set(live, desired);
  return isSame;
}

/** Whether `live` has each field of `desired` with its value; lists must be as long. */
function covers(live: unknown, desired: unknown): boolean {
  if (Array.isArray(desired))
    return (
      Array.isArray(live) &&
      live.length === desired.length &&
      desired.every((item, i) => covers(live[i], item))
    );
  if (typeof desired === "object" && desired !== null) {
    if (typeof live !== "object" || live === null) return Object.keys(desired).length === 0;
    return Object.entries(desired).every(([key, value]) =>
      covers((live as Record<string, unknown>)[key], value),
    );
  }
  return live === desired;
}
