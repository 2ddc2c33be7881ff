import { gzipSync } from "fflate";
import tar from "tar-stream";

/** A tar of files by their names, in this order; the same files give the same bytes. */
export async function tarOf(files: Iterable<[name: string, bytes: Uint8Array]>): Promise<Uint8Array> {
  const pack = tar.pack();
  for (const [name, bytes] of files)
    pack.entry({ name, mode: 0o644, mtime: new Date(0), uid: 0, gid: 0 }, Buffer.from(bytes));
  pack.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of pack) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

/** fflate compresses alike everywhere; the zlib inside Node changes with Node's version. */
export function gzipped(bytes: Uint8Array): Uint8Array {
  return gzipSync(bytes, { mtime: 0, level: 9 });
}
