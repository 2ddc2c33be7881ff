import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import type { Manifest } from "../../tools/lib/kubernetes/manifest.ts";
import { program } from "../cluster/support/programs.ts";

export const CHART = fileURLToPath(new URL("manifests/chart", PROJECT_ROOT));
/** What must be said of images. */
export const IMAGE = ["--set", "controller.image.repository=registry.example/modelgate"];

export interface HelmOutcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs Helm with a home of its own. @param env beyond this process's */
export async function helm(
  home: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<HelmOutcome> {
  const command = await program("helm", "helm");
  const own = { HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home };
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...own, ...env }, maxBuffer: 2 ** 26 };
    execFile(command, args, options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

/** The objects of a text of several YAML documents, as kubectl and Helm read it: YAML 1.1. */
export function objectsOf(text: string): Manifest[] {
  return parseAllDocuments(text, { version: "1.1" }).flatMap(
    (document) => (document.toJS() as Manifest | null) ?? [],
  );
}

/** Objects by what names them, to compare two sets. */
export function byName(objects: Manifest[]): Record<string, Manifest> {
  return Object.fromEntries(
    objects.map((each) => [`${each.kind} ${each.metadata.namespace ?? ""}/${each.metadata.name}`, each]),
  );
}
