import type { Reference } from "./reference.ts";

/**
 * Places that hold copies of what a registry holds, by registry: `host[:port][/prefix]`, in the order in
 * which to ask.
 */
export type Mirrors = Map<string, string[]>;

const ENTRY = /^([^\s/=,]+)=([^\s/=,]+(?:\/[a-z0-9._/-]*[a-z0-9])?)$/;

/** Reads `registry=mirror`, several of them separated by commas. @throws Error that shows the form */
export function parseMirrors(text: string): Mirrors {
  const mirrors: Mirrors = new Map();
  for (const entry of text.split(",").filter((part) => part.trim() !== "")) {
    const [, registry, mirror] = ENTRY.exec(entry.trim()) ?? [];
    if (registry === undefined || mirror === undefined)
      throw new Error(
        `${JSON.stringify(entry)} is no mirror; it looks like registry.example=mirror.example:5000/prefix`,
      );
    mirrors.set(registry, [...(mirrors.get(registry) ?? []), mirror]);
  }
  return mirrors;
}

/**
 * Asks the mirrors of the image's registry and then the registry itself until one has it. What is pulled by
 * digest is checked against it, so a mirror needs no trust.
 * @returns undefined when none has it. @throws Error of the registry itself
 */
export async function fromMirrors<T>(
  reference: Reference,
  mirrors: Mirrors = parseMirrors(process.env.MODELGATE_MIRRORS ?? ""),
  pull: (reference: Reference) => Promise<T | undefined>,
): Promise<T | undefined> {
  const failures: string[] = [];
  for (const mirror of mirrors.get(reference.registry) ?? [])
    try {
      const pulled = await pull(at(mirror, reference));
      if (pulled !== undefined) return pulled;
    } catch (error) {
      failures.push(`mirror ${mirror}: ${error instanceof Error ? error.message : String(error)}`);
    }
  try {
    return await pull(reference);
  } catch (error) {
    if (failures.length === 0 || !(error instanceof Error)) throw error;
    throw new Error([error.message, ...failures].join("\n  "));
  }
}

function at(mirror: string, reference: Reference): Reference {
  const slash = mirror.indexOf("/");
  if (slash < 0) return { ...reference, registry: mirror };
  const repository = `${mirror.slice(slash + 1)}/${reference.repository}`;
  return { ...reference, registry: mirror.slice(0, slash), repository };
}
