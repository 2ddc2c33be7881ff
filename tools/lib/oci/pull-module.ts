import { gunzipSync } from "node:zlib";
import tar from "tar-stream";
import { formatReference, type Reference } from "./reference.ts";
import { pullBlob, pullManifest } from "./registry.ts";
import type { RegistryOptions } from "./registry-client.ts";

const MODULE_LAYER = "application/vnd.module.wasm.content.layer.v1+wasm";
const MODULE_NAME = "plugin.wasm";
/** As many as Istio's agent takes (ISTIO_WASM_MAX_BINARY_SIZE_BYTES). */
const MOST_BYTES = 256 << 20;

/**
 * The WebAssembly module of an image, as Istio finds it: the one layer of an artifact, or `plugin.wasm` in
 * the last layer of an ordinary image. @throws Error when the image is not there or holds none
 */
export async function pullModule(reference: Reference, options: RegistryOptions = {}): Promise<Uint8Array> {
  const name = formatReference(reference);
  const pulled = await pullManifest(reference, options);
  if (!pulled) throw new Error(`${name}: the registry has no such image`);
  const layer = pulled.manifest.layers.at(-1);
  if (!layer) throw new Error(`${name}: the image has no layers`);
  if (layer.size > MOST_BYTES) throw new Error(`${name}: its layer has more than 256 MiB`);
  const bytes = await pullBlob(reference, layer, options);
  const module = layer.mediaType === MODULE_LAYER ? bytes : await fromTar(unpacked(bytes, name));
  if (!module) throw new Error(`${name}: the image holds no ${MODULE_NAME}`);
  return module;
}

function unpacked(bytes: Uint8Array, name: string): Uint8Array {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: MOST_BYTES });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const what = code === "ERR_BUFFER_TOO_LARGE" ? "unpacks to more than 256 MiB" : `is broken (${message})`;
    throw new Error(`${name}: its layer ${what}`);
  }
}

async function fromTar(archive: Uint8Array): Promise<Uint8Array | undefined> {
  const extract = tar.extract();
  extract.end(Buffer.from(archive));
  for await (const entry of extract) {
    const { name, type } = entry.header;
    if (type !== "file" || name.replace(/^\.?\//, "") !== MODULE_NAME) {
      entry.resume();
      continue;
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) chunks.push(chunk as Uint8Array);
    return Buffer.concat(chunks);
  }
  return undefined;
}
