import { createHash } from "node:crypto";
import { chmod, copyFile, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { toYaml } from "../lib/kubernetes/yaml.ts";
import { run } from "./run.ts";

/** Name of the archive of a release that Krew unpacks. */
export const KREW_ARCHIVE = "kubectl-modelgate.tar.gz";
/** Where npm puts the command below the archive's folder. */
const BIN = "node_modules/modelgate/tools/cli/bin.js";
/** Where modelgate runs: there is no native code in it, but Node is not in the archive. */
const OPERATING_SYSTEMS = ["linux", "darwin"];

/**
 * Packs the command with the libraries that it needs, but not those of the collector alone. Krew unpacks
 * files and folders, and no links.
 * @param tarball the npm package
 * @param folder to work in
 * @returns the SHA-256 of the archive, which is `file`, in hexadecimal
 */
export async function packForKrew(tarball: string, folder: string, file: string): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const omit = ["--omit=dev", "--omit=optional", "--omit=peer", "--ignore-scripts", "--no-bin-links"];
  await run(folder, "npm", "install", "--prefix", ".", "--no-audit", "--no-fund", ...omit, tarball);
  await copyFile(join(folder, "node_modules/modelgate/LICENSE"), join(folder, "LICENSE"));
  await chmod(join(folder, BIN), 0o755);
  await run(folder, "tar", "czf", file, "LICENSE", "node_modules");
  return createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
}

interface KrewRelease {
  version: string;
  /** Where the release's files are served; the archive is `<download>/kubectl-modelgate.tar.gz`. */
  download: string;
  /** SHA-256 of the archive, in hexadecimal. */
  sha256: string;
}

/** The manifest for Krew (krew.sigs.k8s.io, "Writing Krew plugin manifests"), as YAML. */
export function krewManifest({ version, download, sha256 }: KrewRelease): string {
  return toYaml({
    apiVersion: "krew.googlecontainertools.github.com/v1alpha2",
    kind: "Plugin",
    metadata: { name: "modelgate" },
    spec: {
      version: `v${version}`,
      homepage: download,
      shortDescription: "Run gateways for model servers with Modelgate",
      description:
        "Applies, checks and rolls out what Modelgate's Tenants and ModelTasks describe: gateways\n" +
        "of Istio with authentication, rate limits and protocol conversion for model servers.\n",
      caveats: "Needs Node 22.15 or newer on PATH.\n",
      platforms: [
        {
          selector: { matchExpressions: [{ key: "os", operator: "In", values: OPERATING_SYSTEMS }] },
          uri: `${download}/${KREW_ARCHIVE}`,
          sha256,
          files: [
            { from: "LICENSE", to: "." },
            { from: "node_modules", to: "." },
          ],
          bin: BIN,
        },
      ],
    },
  });
}
