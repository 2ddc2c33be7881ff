export interface Reference {
  /** `host` or `host:port`. */
  registry: string;
  repository: string;
  tag?: string;
  digest?: string;
}

const PATTERN =
  /^oci:\/\/((?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::[0-9]+)?)\/([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::([\w][\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/;

/** Reads `oci://host[:port]/name[:tag][@sha256:...]`. @throws Error that shows the form */
export function parseReference(text: string): Reference {
  const [, registry, repository, tag, digest] = PATTERN.exec(text) ?? [];
  if (registry === undefined || repository === undefined) {
    throw new Error(`${JSON.stringify(text)} is no image reference; it looks like oci://host:port/name:tag`);
  }
  return { registry, repository, ...(tag && { tag }), ...(digest && { digest }) };
}

export function formatReference({ registry, repository, tag, digest }: Reference): string {
  return `oci://${registry}/${repository}${tag ? `:${tag}` : ""}${digest ? `@${digest}` : ""}`;
}

/** @throws Error for an image by tag */
export function requireDigest({ digest }: Reference): string {
  if (!digest) throw new Error("name the image by digest (oci://host/name@sha256:...): a tag can change");
  return digest;
}
