import { type KeyObject, verify } from "node:crypto";
import { type Reference, requireDigest } from "./reference.ts";
import { referrersOf } from "./referrers.ts";
import { pullBlob, pullManifest } from "./registry.ts";
import type { RegistryOptions } from "./registry-client.ts";

/**
 * Signatures as cosign 3 stores them: an artifact whose `subject` the image is, with one layer, a Sigstore
 * bundle (sigstore/protobuf-specs, sigstore_bundle.proto): a DSSE envelope around an in-toto statement about
 * the image. Only the key counts: certificates and the transparency log are not looked at.
 */
const BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const STATEMENT_TYPE = "application/vnd.in-toto+json";

interface Bundle {
  dsseEnvelope?: { payload?: string; payloadType?: string; signatures?: { sig?: string }[] };
}

interface Statement {
  _type?: string;
  subject?: { digest?: Record<string, string> }[];
  predicateType?: string;
}

const STATEMENT = "https://in-toto.io/Statement/v1";
/**
 * What cosign says of an image that it signs; other predicates (SBOM, provenance) are no signature of an
 * image.
 */
const SIGNED = "https://sigstore.dev/cosign/sign/v1";

/**
 * @returns whether a bundle that the key signed says that this image is signed; undefined when there is none
 */
export async function isSignedByBundle(
  image: Reference,
  key: KeyObject,
  options: RegistryOptions = {},
): Promise<boolean | undefined> {
  const { registry, repository } = image;
  const referrers = await referrersOf(image, BUNDLE_TYPE, options);
  for (const { digest } of referrers) {
    const where = { registry, repository, digest };
    for (const layer of (await pullManifest(where, options))?.manifest.layers ?? []) {
      if (layer.mediaType !== BUNDLE_TYPE) continue;
      if (isSignature(await pullBlob(where, layer, options), requireDigest(image), key)) return true;
    }
  }
  return referrers.length === 0 ? undefined : false;
}

function isSignature(bundle: Uint8Array, digest: string, key: KeyObject): boolean {
  const { payload = "", payloadType, signatures = [] } = (parsed(bundle) as Bundle).dsseEnvelope ?? {};
  if (payloadType !== STATEMENT_TYPE) return false;
  const body = Buffer.from(payload, "base64");
  const signed = preAuthentication(payloadType, body);
  if (!signatures.some(({ sig = "" }) => verify("sha256", signed, key, Buffer.from(sig, "base64"))))
    return false;
  const { _type, subject = [], predicateType } = parsed(body) as Statement;
  return (
    _type === STATEMENT &&
    predicateType === SIGNED &&
    subject.some((each) => `sha256:${each.digest?.sha256}` === digest)
  );
}

/** PAE of DSSE (secure-systems-lab/dsse, protocol.md): what the signature is of. */
function preAuthentication(type: string, body: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${body.length} `), body]);
}

function parsed(bytes: Uint8Array): object {
  try {
    return (JSON.parse(new TextDecoder().decode(bytes)) as object | null) ?? {};
  } catch {
    return {};
  }
}
