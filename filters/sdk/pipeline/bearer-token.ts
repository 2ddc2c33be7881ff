import { bytes, toText } from "../bytes/bytes";
import { LogLevel, log } from "../host/log";
import { openSecret, readSealed } from "../host/sealed-secret";
import { Config } from "./config";

/**
 * The token that a filter proves itself with to a server: `token` in clear, or `sealedToken`, which only a
 * pod with the sealing key can read. One that it can't read is told, and calls go without.
 * @param cluster of the server: a token that was sealed for one is no other's
 * @returns the header `authorization`; empty: none
 */
export function readBearer(config: Config, cluster: string): string {
  if (config.has("token")) {
    if (config.has("sealedToken")) config.fault("sealedToken", "can't stand beside token");
    return `Bearer ${config.text("token")}`;
  }
  if (!config.has("sealedToken")) return "";
  if (!readSealed(bytes(config.text("sealedToken")))) {
    config.fault("sealedToken", "must be hexadecimal: a nonce, a sealed token and a tag");
    return "";
  }
  const token = openSecret(bytes(`token for ${cluster}`));
  if (token != null) return `Bearer ${toText(token.ptr, token.len)}`;
  log(LogLevel.Error, `the sealedToken for ${cluster} can't be opened with the pod's MODELGATE_SEALING_KEY`);
  return "";
}
