import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { open, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

/** Of an image, at its root (CycloneDX 1.6). */
export const BILL = "sbom.cdx.json";

interface Component {
  type: "file" | "library";
  name: string;
  version?: string;
  purl?: string;
  hashes?: { alg: "SHA-256"; content: string }[];
}

/**
 * Writes what an image holds: each program and shared library with its digest, the Go modules that programs say
 * they were built from, the npm packages.
 * @param root of the image
 */
export async function writeBill(root: string): Promise<void> {
  const paths = (await readdir(root, { recursive: true, withFileTypes: true }))
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name))
    .sort();
  const components = new Map<string, Component>();
  const add = (each: Component) => components.set(each.purl ?? each.name, each);
  for (const path of paths) {
    const name = path.slice(root.length);
    if (/(^|\/)node_modules\/(@[^/]+\/)?[^/@]+\/package\.json$/.test(name)) add(await npmPackage(path));
    if (!(await isProgram(path))) continue;
    const content = createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
    add({ type: "file", name, hashes: [{ alg: "SHA-256", content }] });
    for (const module of await goModules(path)) add(module);
  }
  const bill = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    components: [...components.values()],
  };
  await writeFile(join(root, BILL), `${JSON.stringify(bill, null, 1)}\n`);
}

async function npmPackage(path: string): Promise<Component> {
  const { name, version } = JSON.parse(await readFile(path, "utf8"));
  const purl = `pkg:npm/${String(name).replace("@", "%40")}@${version}`;
  return { type: "library", name, version, purl };
}

/** Whether a file is an ELF one. */
async function isProgram(path: string): Promise<boolean> {
  const file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0).finally(() => file.close());
  return bytesRead === 4 && buffer.toString("latin1") === "\x7fELF";
}

/** What `go version -m` tells of a program; nothing for one of another language. */
async function goModules(path: string): Promise<Component[]> {
  const options = { maxBuffer: 1 << 26 };
  const { stdout } = await promisify(execFile)("go", ["version", "-m", path], options).catch(() => ({
    stdout: "",
  }));
  return [...stdout.matchAll(/^\t(?:mod|dep)\t(\S+)\t(\S+)/gm)].map(([, name = "", version = ""]) => ({
    ...{ type: "library" as const, name, version, purl: `pkg:golang/${name}@${version}` },
  }));
}
