import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { PROJECT_ROOT } from "../installation.ts";
import { versionOf } from "../wasm/version.ts";
import { type Blob, json } from "./image.ts";
import { closure, type LockedPackage, readLock } from "./locked-packages.ts";

/** What `attach` calls the document. */
export const SBOM_NAME = "sbom.cdx.json";
const SBOM_TYPE = "application/vnd.cyclonedx+json";
const OWN_LICENCE = "Apache-2.0";
/** The npm packages that a module is compiled from and with; what they depend on follows. */
const BUILT_WITH = ["node_modules/assemblyscript", "node_modules/@solo-io/proxy-runtime"];

/**
 * The bill of materials of a module, CycloneDX 1.6 as JSON: the source files of this repository that it was
 * compiled from, with digests, and the npm packages it is built with, at the versions of package-lock.json,
 * with digests, licences and their notices. It holds no time and no serial number: the same module gives the
 * same document.
 * @param name of the module
 * @param sources text of each source file, by its path
 */
export async function moduleBill(
  name: string,
  module: Uint8Array,
  sources: Map<string, string>,
): Promise<Blob> {
  const lock = await readLock();
  for (const path of BUILT_WITH)
    if (!lock.has(path)) throw new Error(`package-lock.json: has no ${path}: run npm install`);
  const packages = closure(lock, BUILT_WITH);
  const notices = await Promise.all(packages.map(noticeOf));
  return bill(
    {
      type: "library",
      "bom-ref": "module",
      name,
      version: versionOf(module) ?? (lock.get("") as LockedPackage).version,
      hashes: [sha256(module)],
      licenses: [licence(OWN_LICENCE)],
    },
    BUILT_WITH,
    packages,
    [
      ...packages.map((each, i) => ({
        ...component(each),
        ...(notices[i] && { evidence: { copyright: [{ text: notices[i] }] } }),
      })),
      ...[...sources].map(([path, text]) => ({ type: "file", name: path, hashes: [sha256(text)] })),
    ],
  );
}

/**
 * The bill of materials of the command: the npm packages that it runs with. Those that may be missing, as
 * programs for other platforms, are in it with scope `optional`.
 * @param installedOnly as for an image: without packages that are not there
 */
export async function commandBill({ installedOnly = false } = {}): Promise<Blob> {
  const lock = await readLock();
  const own = lock.get("") as LockedPackage;
  const all = closure(lock, own.dependsOn);
  const packages = installedOnly ? all.filter(({ path }) => existsSync(new URL(path, PROJECT_ROOT))) : all;
  return bill(
    {
      type: "application",
      "bom-ref": "command",
      name: own.name,
      version: own.version,
      licenses: [licence(OWN_LICENCE)],
    },
    own.dependsOn,
    packages,
    unique(packages).map(component),
  );
}

function bill(
  subject: { "bom-ref": string; [field: string]: unknown },
  direct: string[],
  packages: LockedPackage[],
  components: object[],
): Blob {
  const urls = new Map(packages.map((each) => [each.path, packageUrl(each)]));
  const urlsOf = (paths: string[]) => new Set(paths.flatMap((path) => urls.get(path) ?? []));
  // The same version of a package may lie in several folders, with different neighbours.
  const dependsOn = new Map(packages.map((each) => [packageUrl(each), new Set<string>()]));
  for (const each of packages)
    for (const url of urlsOf(each.dependsOn)) dependsOn.get(packageUrl(each))?.add(url);
  return json(SBOM_TYPE, {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { lifecycles: [{ phase: "build" }], component: subject },
    components,
    dependencies: [
      { ref: subject["bom-ref"], dependsOn: [...urlsOf(direct)] },
      ...[...dependsOn].map(([ref, others]) => ({ ref, dependsOn: [...others] })),
    ],
  });
}

function unique(packages: LockedPackage[]): LockedPackage[] {
  return [...new Map(packages.map((each) => [packageUrl(each), each])).values()];
}

function component(locked: LockedPackage): object {
  const { name, version, integrity = "", license, optional } = locked;
  const [algorithm, digest] = integrity.split("-", 2) as [string, string?];
  const [, group, own] = /^(?:(@[^/]+)\/)?(.+)$/.exec(name) ?? [];
  return {
    type: "library",
    "bom-ref": packageUrl(locked),
    ...(group && { group }),
    name: own,
    version,
    scope: optional ? "optional" : "required",
    ...(digest && {
      hashes: [
        {
          alg: algorithm.toUpperCase().replace("SHA", "SHA-"),
          content: Buffer.from(digest, "base64").toString("hex"),
        },
      ],
    }),
    ...(license && { licenses: [licence(license)] }),
    purl: packageUrl(locked),
  };
}

/**
 * What the Apache License 2.0, section 4 (d), wants handed on with the work.
 * @returns undefined where there is none
 */
async function noticeOf({ path }: LockedPackage): Promise<string | undefined> {
  const folder = new URL(`${path}/`, PROJECT_ROOT);
  const file = (await readdir(folder).catch(() => [])).find((name) => /^NOTICE(\.\w+)?$/i.test(name));
  return file && (await readFile(new URL(file, folder), "utf8"));
}

function sha256(content: string | Uint8Array): object {
  return { alg: "SHA-256", content: createHash("sha256").update(content).digest("hex") };
}

/** An SPDX identifier, or an expression of several. */
function licence(text: string): object {
  return /\s/.test(text) ? { expression: text } : { license: { id: text } };
}

/** purl-spec: the @ of a scope is encoded. */
function packageUrl({ name, version }: LockedPackage): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}
