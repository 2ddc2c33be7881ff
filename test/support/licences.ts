import { readFile } from "node:fs/promises";
import satisfies from "spdx-satisfies";
import type { LockedPackage } from "../../tools/lib/oci/locked-packages.ts";

/** What a package that is handed on, in an image or a module, may be under: SPDX identifiers. */
export const HANDED_ON = [
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "CC0-1.0",
  "ISC",
  "MIT",
  "PSF-2.0",
  "Python-2.0",
  "Unlicense",
];
/** Tests and builds may also use what asks something of changed copies, or of those who hand it on: we do neither. */
export const ONLY_USED = [...HANDED_ON, "CC-BY-3.0", "MPL-2.0"];

/**
 * What is wrong with the licences of packages, a line each: package, version, licence, and who depends on it.
 * Packages whose lock names none are asked themselves, where they are installed.
 */
export async function licenceFaults(packages: Iterable<LockedPackage>): Promise<string[]> {
  const all = [...packages];
  const faults: string[] = [];
  for (const each of all) {
    const licence = each.license ?? (await ownLicence(each.path));
    const allowed = each.dev ? ONLY_USED : HANDED_ON;
    if (isAllowed(licence, allowed)) continue;
    const users = all.filter(({ dependsOn }) => dependsOn.includes(each.path)).map(({ name }) => name);
    faults.push(
      `${each.name}@${each.version}: ${licence ?? "no licence"}, ${each.dev ? "for development" : "handed on"}, ` +
        `needed by ${users.join(", ")}`,
    );
  }
  return faults;
}

function isAllowed(licence: string | undefined, allowed: string[]): boolean {
  try {
    return licence !== undefined && satisfies(licence, allowed);
  } catch {
    return false; // not an SPDX expression
  }
}

/** Old packages have `licenses: [{type}]`. */
async function ownLicence(path: string): Promise<string | undefined> {
  const text = await readFile(`${path}/package.json`, "utf8").catch(() => "{}");
  const { license, licenses } = JSON.parse(text) as { license?: string; licenses?: { type: string }[] };
  return license ?? licenses?.map(({ type }) => type).join(" OR ");
}
