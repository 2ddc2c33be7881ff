import { basename } from "node:path";
import { gunzipSync } from "node:zlib";
import tar from "tar-stream";
import { type Descriptor, DOCKER_MANIFEST_TYPE } from "./image.ts";
import { formatReference, type Reference } from "./reference.ts";
import { type Manifest, pullBlob, pullImageManifest } from "./registry.ts";
import type { RegistryOptions } from "./registry-client.ts";

const MODULE_LAYER = "application/vnd.module.wasm.content.layer.v1+wasm";
const OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
const DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const MODULE_NAME = "plugin.wasm";
/** As many as Istio's agent takes (ISTIO_WASM_MAX_BINARY_SIZE_BYTES). */
const MOST_BYTES = 256 << 20;

/**
 * The WebAssembly module of an image, found and refused by the rules of Istio's agent (istio/istio,
 * pkg/wasm/imagefetcher.go): `plugin.wasm` in the last layer of an ordinary image, or the module's layer of
 * an artifact, which has two. Of an index of images it is the one for linux/amd64.
 * @throws Error when the image is not there or the agent would refuse it
 */
export async function pullModule(reference: Reference, options: RegistryOptions = {}): Promise<Uint8Array> {
  const name = formatReference(reference);
  const pulled = await pullImageManifest(reference, options);
  if (!pulled) throw new Error(`${name}: the registry has no such image`);
  try {
    const { layer, isModule } = moduleLayer(pulled.manifest);
    if (layer.size > MOST_BYTES) throw new Error("its layer has more than 256 MiB");
    const bytes = await pullBlob(reference, layer, options);
    return isModule ? bytes : await fromTar(unpacked(bytes));
  } catch (error) {
    throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * Which layer holds the module, and whether it is the module itself.
 * @throws Error where the agent refuses
 */
function moduleLayer({ mediaType, layers }: Manifest): { layer: Descriptor; isModule: boolean } {
  const last = layers.at(-1);
  if (!last) throw new Error("the image has no layers");
  if (last.mediaType === (mediaType === DOCKER_MANIFEST_TYPE ? DOCKER_LAYER : OCI_LAYER))
    return { layer: last, isModule: false };
  const module = layers.find((layer) => layer.mediaType === MODULE_LAYER);
  if (mediaType === DOCKER_MANIFEST_TYPE || !module)
    throw new Error(
      `its last layer is of type ${JSON.stringify(last.mediaType)}: Istio takes an image whose last layer is a gzipped tar that holds ${MODULE_NAME}, or an artifact with a layer ${MODULE_LAYER} (modelgate push makes both)`,
    );
  if (layers.length !== 2)
    throw new Error(
      `the artifact has ${layers.length} layer${layers.length === 1 ? "" : "s"}, but Istio takes it with two only, the configuration's and the module's`,
    );
  return { layer: module, isModule: true };
}

function unpacked(bytes: Uint8Array): Uint8Array {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b)
    throw new Error(`its layer is ${kindOf(bytes)}, not the gzipped tar that its type says`);
  try {
    return gunzipSync(bytes, { maxOutputLength: MOST_BYTES });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ERR_BUFFER_TOO_LARGE") throw new Error("its layer unpacks to more than 256 MiB");
    throw new Error(`its layer is broken (${message})`);
  }
}

async function fromTar(archive: Uint8Array): Promise<Uint8Array> {
  const extract = tar.extract();
  extract.end(Buffer.from(archive));
  try {
    for await (const entry of extract) {
      const { name, type } = entry.header;
      if (type !== "file" || basename(name) !== MODULE_NAME) {
        entry.resume();
        continue;
      }
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry) chunks.push(chunk as Uint8Array);
      return Buffer.concat(chunks);
    }
  } catch {
    throw new Error(`its layer unpacks to ${kindOf(archive)}, not to a tar that holds ${MODULE_NAME}`);
  }
  throw new Error(`the image holds no ${MODULE_NAME}`);
}

/** What bytes seem to be, for people. */
function kindOf(bytes: Uint8Array): string {
  const starts = (...first: number[]) => first.every((byte, index) => bytes[index] === byte);
  if (starts(0, 0x61, 0x73, 0x6d)) return "a WebAssembly module";
  if (starts(0x28, 0xb5, 0x2f, 0xfd)) return "compressed by zstd";
  if (Buffer.from(bytes.subarray(257, 262)).toString("latin1") === "ustar")
    return "a tar that is not compressed";
  return bytes.length === 0 ? "empty" : "something else";
}
