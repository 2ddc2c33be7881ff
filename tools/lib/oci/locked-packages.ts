import { readFile } from "node:fs/promises";
import { PROJECT_ROOT } from "../installation.ts";

/** An npm package as package-lock.json holds it (npm docs, package-lock.json, `packages`). */
export interface LockedPackage {
  /** Its folder under the project, e.g. `node_modules/a/node_modules/b`. */
  path: string;
  name: string;
  version: string;
  /** Of its tarball, as in Subresource Integrity; undefined for a folder of this repository. */
  integrity?: string;
  /** An SPDX expression; undefined where package.json has none. */
  license?: string;
  /** Only tests and builds need it. */
  dev: boolean;
  /** It may be missing, as programs for other platforms are. */
  optional: boolean;
  hasInstallScript: boolean;
  /** Paths of what it depends on. */
  dependsOn: string[];
}

/** All packages of package-lock.json by their paths; the project itself has the path "". */
export async function readLock(): Promise<Map<string, LockedPackage>> {
  const { packages } = JSON.parse(await readFile(new URL("package-lock.json", PROJECT_ROOT), "utf8"));
  const found = new Map<string, LockedPackage>();
  for (const [path, locked] of Object.entries<Entry>(packages)) {
    if (locked.link) continue;
    const names = Object.keys({
      ...locked.dependencies,
      ...locked.optionalDependencies,
      ...locked.peerDependencies,
    });
    found.set(path, {
      path,
      name: locked.name ?? path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length),
      version: locked.version,
      ...(locked.integrity !== undefined && { integrity: locked.integrity }),
      ...(locked.license !== undefined && { license: locked.license.trim() }),
      dev: locked.dev === true,
      optional: locked.optional === true,
      hasInstallScript: locked.hasInstallScript === true,
      dependsOn: names.flatMap((name) => resolve(name, path, packages) ?? []),
    });
  }
  return found;
}

/** Packages and all that they depend on, in the order of the lock. @param paths of the packages */
export function closure(lock: Map<string, LockedPackage>, paths: string[]): LockedPackage[] {
  const found = new Set<string>();
  const visit = (path: string) => {
    const locked = lock.get(path);
    if (!locked || found.has(path)) return;
    found.add(path);
    locked.dependsOn.forEach(visit);
  };
  paths.forEach(visit);
  return [...lock.values()].filter(({ path }) => found.has(path));
}

interface Entry {
  name?: string;
  version: string;
  integrity?: string;
  license?: string;
  dev?: boolean;
  optional?: boolean;
  hasInstallScript?: boolean;
  link?: boolean;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/** The path that Node takes a package from, seen from another: the nearest folder that has it. */
function resolve(name: string, from: string, packages: Record<string, Entry>): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    const path = `${folder}${folder && "/"}node_modules/${name}`;
    if (path in packages) return path;
    if (folder === "") return undefined;
  }
}
