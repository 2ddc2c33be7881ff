import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, cp, mkdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { writeBill } from "./bill-of-materials.ts";

const run = promisify(execFile);

/** As the OCI image specification has it. */
export interface ImageConfig {
  User: string;
  Entrypoint: string[];
  Cmd?: string[];
  Env?: string[];
  WorkingDir?: string;
}

export interface Archive {
  path: string;
  /** Images in it. */
  names: string[];
  bytes: number;
  /** Of the images, as an engine has them: the same files give the same ones. */
  digests: string[];
}

/** By names of images of the same files. */
export type Images = Record<string, ImageConfig>;
/** Makes the files of an image. @param root its root folder */
export type Fill = (root: string) => Promise<void>;

/**
 * One archive of images, from files of this machine; no engine is needed.
 * @param folder where it goes
 * @param name of the file, without its ending
 */
export async function makeArchive(
  folder: string,
  name: string,
  fill: Fill,
  images: Images,
): Promise<Archive> {
  const root = join(folder, name);
  await mkdir(join(root, "tmp"), { recursive: true });
  await chmod(join(root, "tmp"), 0o1777);
  await fill(root);
  await writeBill(root);
  return pack(root, join(folder, `${name}.tar`), images);
}

export async function copy(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await cp(source, target, { dereference: true });
}

/** Puts a program and the libraries that it needs into an image. @param target below `root` */
export async function addProgram(root: string, source: string, target: string): Promise<void> {
  await copy(source, join(root, target));
  await chmod(join(root, target), 0o755);
  await addLibraries(root, source);
}

/** Copies what a program is linked to, to where its linker looks. */
export async function addLibraries(root: string, binary: string): Promise<void> {
  const { stdout } = await run("ldd", [binary]).catch(() => ({ stdout: "" }));
  for (const [library] of stdout.matchAll(/\/[^ \n]+(?= \()/g))
    if (!library.startsWith(root)) await copy(library, join(root, library));
}

/**
 * One layer from a folder, as an archive that `ctr images import` and `docker load` read; the same files give
 * the same bytes.
 */
async function pack(root: string, archive: string, images: Images): Promise<Archive> {
  const parts = `${root}.parts`;
  await mkdir(parts);
  await tar(root, join(parts, "layer.tar"), ".");
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(join(parts, "layer.tar"))) hash.update(chunk);
  const rootfs = { type: "layers", diff_ids: [`sha256:${hash.digest("hex")}`] };
  const manifest: object[] = [];
  const digests: string[] = [];
  for (const [name, config] of Object.entries(images)) {
    const file = `config-${manifest.length}.json`;
    const text = JSON.stringify({ architecture: ARCHITECTURE, os: "linux", config, rootfs });
    digests.push(createHash("sha256").update(text).digest("hex"));
    await writeFile(join(parts, file), text);
    manifest.push({ Config: file, RepoTags: [name], Layers: ["layer.tar"] });
  }
  await writeFile(join(parts, "manifest.json"), JSON.stringify(manifest));
  await tar(parts, archive, ".");
  for (const each of [root, parts]) await rm(each, { recursive: true });
  return { path: archive, names: Object.keys(images), digests, bytes: (await stat(archive)).size };
}

const ARCHITECTURE = process.arch === "x64" ? "amd64" : process.arch;

async function tar(folder: string, archive: string, ...names: string[]): Promise<void> {
  const same = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--mode=go-w"];
  await run("tar", [...same, "-C", folder, "-cf", archive, ...names]);
}
