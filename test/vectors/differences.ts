import type { Group, Vector } from "./wycheproof.ts";

/** Where the filter says something else of a vector than its authors do, and why that is meant. */
export interface Difference {
  authors: "valid" | "acceptable" | "invalid";
  /** `unusable`: no key set may hold the key. */
  filter: "invalid" | "unusable" | "valid";
  of: (set: string, group: Group, vector: Vector) => boolean;
  reason: string;
}

export const DIFFERENCES: Difference[] = [
  {
    authors: "acceptable",
    filter: "invalid",
    of: (_set, _group, { flags }) => flags.includes("MissingNull"),
    reason:
      "RSA PKCS #1: a hash's name without its NULL parameters (RFC 8017, appendix A.2.4, asks for them); OpenSSL and BoringSSL refuse it",
  },
  {
    authors: "valid",
    filter: "unusable",
    of: (_set, _group, { flags }) => flags.includes("SmallPublicKey"),
    reason: "RSA: an exponent other than 65537, which key sets of issuers do not have",
  },
  {
    authors: "valid",
    filter: "unusable",
    of: (set) => set.includes("_8192_"),
    reason: "RSA: keys are of 2048 to 4096 bits, so that a check has a bound",
  },
  {
    authors: "acceptable",
    filter: "unusable",
    of: (set) => set.includes("_8192_"),
    reason: "RSA: as above",
  },
  {
    authors: "valid",
    filter: "invalid",
    of: (_set, { sha, mgfSha }) => mgfSha !== undefined && (sha !== "SHA-256" || mgfSha !== "SHA-256"),
    reason:
      "PSS: PS256 is SHA-256 with MGF1 of SHA-256 (RFC 7518, section 3.5); another hash is another algorithm",
  },
  {
    authors: "valid",
    filter: "invalid",
    of: (_set, { sha, sLen }) => sha === "SHA-256" && sLen !== undefined && sLen !== 32,
    reason: "PSS: the salt of PS256 is as long as its hash (RFC 7518, section 3.5)",
  },
  {
    authors: "invalid",
    filter: "valid",
    of: (_set, { sLen }, { comment }) => sLen === 0 && comment === "s_len changed to 32",
    reason: "PSS: in a set of signatures without salt, one with a salt of 32 bytes: that is PS256",
  },
  {
    authors: "valid",
    filter: "invalid",
    of: (set, { tagSize }) => set === "hmac_sha256" && tagSize === 128,
    reason: "HMAC: HS256 is all of the hash (RFC 7518, section 3.2), not half of it",
  },
  {
    authors: "valid",
    filter: "unusable",
    of: (_set, _group, { key = "" }) => key.length > 0 && key.length < 64,
    reason: "HMAC: a key of HS256 has 32 bytes or more (RFC 7518, section 3.2)",
  },
];
