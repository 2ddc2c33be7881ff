import { readFile } from "node:fs/promises";
import { PROJECT_ROOT } from "../wasm/modules.ts";
import { digestOf } from "./digest.ts";
import { type Blob, json } from "./image.ts";

/** What `attach` calls the document. */
export const SBOM_NAME = "sbom.cdx.json";
const SBOM_TYPE = "application/vnd.cyclonedx+json";
/** The npm packages that a module is compiled from and with; what they depend on follows. */
const BUILT_WITH = ["assemblyscript", "@solo-io/proxy-runtime"];

interface Locked {
  version: string;
  integrity: string;
  license: string;
  dependencies?: Record<string, string>;
}

/**
 * The bill of materials of a module, CycloneDX 1.6 as JSON: the npm packages it is built with, at the versions of package-lock.json,
 * with digests and licences. It holds no time and no serial number: the same module gives the same document.
 * @param name of the module
 */
export async function billOfMaterials(name: string, module: Uint8Array): Promise<Blob> {
  const { version, packages } = await readLock();
  const found = new Map<string, Locked>();
  const visit = (dependency: string) => {
    const locked = packages[`node_modules/${dependency}`];
    if (!locked) throw new Error(`package-lock.json: has no ${dependency}: run npm install`);
    if (found.has(dependency)) return;
    found.set(dependency, locked);
    for (const next of Object.keys(locked.dependencies ?? {})) visit(next);
  };
  for (const dependency of BUILT_WITH) visit(dependency);
  const refOf = (dependency: string) => packageUrl(dependency, found.get(dependency) as Locked);
  return json(SBOM_TYPE, {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      lifecycles: [{ phase: "build" }],
      component: {
        type: "library",
        "bom-ref": "module",
        name,
        version,
        hashes: [{ alg: "SHA-256", content: digestOf(module).replace("sha256:", "") }],
        licenses: [licence("Apache-2.0")],
      },
    },
    components: [...found].map(([dependency, locked]) => component(dependency, locked)),
    dependencies: [
      { ref: "module", dependsOn: BUILT_WITH.map(refOf) },
      ...[...found].map(([dependency, { dependencies = {} }]) => ({
        ref: refOf(dependency),
        dependsOn: Object.keys(dependencies).map(refOf),
      })),
    ],
  });
}

async function readLock(): Promise<{ version: string; packages: Record<string, Locked> }> {
  return JSON.parse(await readFile(new URL("package-lock.json", PROJECT_ROOT), "utf8"));
}

function component(name: string, locked: Locked): object {
  const [algorithm, digest] = locked.integrity.split("-", 2) as [string, string];
  const [, group, own] = /^(?:(@[^/]+)\/)?(.+)$/.exec(name) ?? [];
  return {
    type: "library",
    "bom-ref": packageUrl(name, locked),
    ...(group && { group }),
    name: own,
    version: locked.version,
    hashes: [
      {
        alg: algorithm.toUpperCase().replace("SHA", "SHA-"),
        content: Buffer.from(digest, "base64").toString("hex"),
      },
    ],
    licenses: [licence(locked.license.trim())],
    purl: packageUrl(name, locked),
  };
}

/** An SPDX identifier, or an expression of several. */
function licence(text: string): object {
  return /\s/.test(text) ? { expression: text } : { license: { id: text } };
}

/** purl-spec: the @ of a scope is encoded. */
function packageUrl(name: string, { version }: Locked): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}
