import { gunzipSync } from "fflate";
import tar from "tar-stream";
import { formatReference, type Reference } from "./reference.ts";
import { pullBlob, pullManifest } from "./registry.ts";
import type { RegistryOptions } from "./registry-client.ts";

const MODULE_LAYER = "application/vnd.module.wasm.content.layer.v1+wasm";
const MODULE_NAME = "plugin.wasm";

/**
 * The WebAssembly module of an image, as Istio finds it: the one layer of an artifact, or `plugin.wasm` in the last layer of an
 * ordinary image. @throws Error when the image is not there or holds none
 */
export async function pullModule(reference: Reference, options: RegistryOptions = {}): Promise<Uint8Array> {
  const name = formatReference(reference);
  const pulled = await pullManifest(reference, options);
  if (!pulled) throw new Error(`${name}: the registry has no such image`);
  const layer = pulled.manifest.layers.at(-1);
  if (!layer) throw new Error(`${name}: the image has no layers`);
  const bytes = await pullBlob(reference, layer, options);
  const module = layer.mediaType === MODULE_LAYER ? bytes : await fromTar(gunzip(bytes));
  if (!module) throw new Error(`${name}: the image holds no ${MODULE_NAME}`);
  return module;
}

function gunzip(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
}

async function fromTar(archive: Uint8Array): Promise<Uint8Array | undefined> {
  const extract = tar.extract();
  extract.end(Buffer.from(archive));
  for await (const entry of extract) {
    if (entry.header.name.replace(/^\.?\//, "") !== MODULE_NAME) {
      entry.resume();
      continue;
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) chunks.push(chunk as Uint8Array);
    return Buffer.concat(chunks);
  }
  return undefined;
}
