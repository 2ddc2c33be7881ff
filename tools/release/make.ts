import { createHash, sign } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { PROJECT_ROOT } from "../lib/installation.ts";
import { privateKey } from "../lib/oci/keys.ts";
import { commandBill, SBOM_NAME } from "../lib/oci/sbom.ts";
import { MODULES, modulePath } from "../lib/wasm/modules.ts";
import { type ImageName, packChart } from "./chart/pack.ts";
import {
  buildContainerImage,
  engineAnswers,
  pushContainerImage,
  TARGETS,
  type Target,
} from "./container-images.ts";
import { KREW_ARCHIVE, krewManifest, packForKrew } from "./krew.ts";
import { filterBill, publishChart, publishFilter, type Registry, signed } from "./publish.ts";
import { run } from "./run.ts";

/**
 * The part of a release that runs in the clone that is released:
 *   node make.ts --version V --notes FILE --out FOLDER --key FILE [--registry HOST/PATH] [--download URL]
 * Without a registry nothing is pushed.
 */
const { values } = parseArgs({
  options: {
    ...{ version: { type: "string" }, notes: { type: "string" }, out: { type: "string" } },
    ...{ key: { type: "string" }, registry: { type: "string" } },
    download: { type: "string", default: "https://modelgate.invalid/releases" },
  },
});
const { version = "", notes = "", out = "", key: keyFile = "" } = values;
const FOLDER = fileURLToPath(PROJECT_ROOT);
const key = await privateKey(keyFile);
const registry: Registry | undefined =
  values.registry === undefined ? undefined : { name: values.registry, key };

await mkdir(out, { recursive: true });
const packages = await run(FOLDER, "npm", "run", "--silent", "package");
for (const path of packages.split("\n")) await copyFile(path, join(out, basename(path)));
await writeKrew(packages.split("\n")[0] as string);
for (const name of MODULES) await copyFile(modulePath(name), join(out, `${name}.wasm`));
await writeFile(join(out, `modelgate.${SBOM_NAME}`), (await commandBill()).bytes);
await writeFile(join(out, `gateway.wasm.${SBOM_NAME}`), (await filterBill()).bytes);

const names: Record<string, ImageName> = {};
const images = await containerImages();
if (registry) names.filter = await publishFilter(version, registry);
const chart = await packChart({ version, ...(images && { images }) });
await writeFile(join(out, `modelgate-chart-${version}.tgz`), chart);
if (registry) names.chart = await publishChart(chart, version, registry);

await writeFile(join(out, "notes.md"), await notesText());
await writeSums();
console.log(await readFile(join(out, "notes.md"), "utf8"));

/** Builds them, and with a registry pushes them. @returns their names by digest, once they have any */
async function containerImages(): Promise<Record<Target, ImageName> | undefined> {
  if (!(await engineAnswers(FOLDER))) {
    if (registry) throw new Error("no container engine answers: docker info says why");
    console.error("the images are not built: no container engine answers");
    return undefined;
  }
  const revision = await run(FOLDER, "git", "rev-parse", "HEAD");
  const created = await run(FOLDER, "git", "show", "--no-patch", "--format=%cI", "HEAD");
  const source = { folder: FOLDER, version, revision, created };
  for (const target of Object.keys(TARGETS) as Target[]) {
    const name = `${registry?.name ?? "modelgate.invalid"}/${TARGETS[target]}:${version}`;
    const bill = await buildContainerImage(target, name, source);
    await writeFile(join(out, `${TARGETS[target]}-image.${SBOM_NAME}`), bill.bytes);
    if (registry) names[target] = await signed(await pushContainerImage(FOLDER, name), registry, bill);
  }
  const { controller, collector } = names;
  return controller && collector ? { controller, collector } : undefined;
}

/** For `kubectl krew install`: the archive and its manifest. */
async function writeKrew(tarball: string): Promise<void> {
  const folder = join(FOLDER, "build/krew");
  const sha256 = await packForKrew(tarball, folder, join(out, KREW_ARCHIVE));
  const download = `${values.download.replace(/\/$/, "")}/v${version}`;
  await writeFile(join(out, "modelgate.krew.yaml"), krewManifest({ version, download, sha256 }));
}

async function notesText(): Promise<string> {
  const rows = Object.entries(names).map(
    ([what, { repository, digest }]) => `| ${what} | \`${repository}@${digest}\` |`,
  );
  const table = rows.length > 0 ? `## Images\n\n| | |\n| --- | --- |\n${rows.join("\n")}\n\n` : "";
  return `# Modelgate ${version}\n\n${table}${await readFile(notes, "utf8")}`;
}

/** SHA256SUMS of all files, and its signature as `cosign sign-blob --key` makes it. */
async function writeSums(): Promise<void> {
  const lines = await Promise.all(
    (await readdir(out)).sort().map(async (name) => {
      const digest = createHash("sha256").update(await readFile(join(out, name)));
      return `${digest.digest("hex")}  ${name}\n`;
    }),
  );
  const sums = Buffer.from(lines.join(""));
  await writeFile(join(out, "SHA256SUMS"), sums);
  await writeFile(join(out, "SHA256SUMS.sig"), sign("sha256", sums, key).toString("base64"));
}
