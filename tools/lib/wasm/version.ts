import { createHash } from "node:crypto";

/** As in filters/sdk/pipeline/version.ts: strings of a module are UTF-16LE. */
const MARK = Buffer.from("modelgate.version.", "utf16le");
const CHARACTERS = 32;
const EMPTY = Buffer.from("?".repeat(CHARACTERS), "utf16le");

/**
 * Fills in the version of a module that has room for it: `<release>+<hash>`, where the hash (12 hex digits)
 * is of the module before that, so that the same build has the same version and any other has another.
 */
export function withVersion(module: Uint8Array, release: string): Uint8Array {
  const at = placeOf(module);
  if (at === undefined) return module;
  const hash = createHash("sha256").update(module).digest("hex").slice(0, 12);
  const version = `${release}+${hash}`;
  if (version.length > CHARACTERS) throw new Error(`the version ${version} is longer than ${CHARACTERS}`);
  const named = Buffer.from(module);
  named.write(version.padEnd(CHARACTERS), at, "utf16le");
  return named;
}

/** What `withVersion` gave a module. @returns undefined for a module without */
export function versionOf(module: Uint8Array): string | undefined {
  const at = placeOf(module);
  if (at === undefined) return undefined;
  const text = Buffer.from(module).toString("utf16le", at, at + EMPTY.length);
  return text.startsWith("?") ? undefined : text.trimEnd();
}

function placeOf(module: Uint8Array): number | undefined {
  const at = Buffer.from(module).indexOf(MARK);
  return at < 0 ? undefined : at + MARK.length;
}
