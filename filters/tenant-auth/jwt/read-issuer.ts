import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { LogLevel, log } from "../../sdk/host/log";
import { Config } from "../../sdk/pipeline/config";
import { ALGORITHM_NAMES, Algorithm } from "./algorithms";
import { Issuer } from "./issuer";
import { JwksSource } from "./jwks-source";
import { parseJwks } from "./key-set";

const SECOND: f64 = 1_000_000_000;
/**
 * What counts unless the configuration says otherwise: all that the host checks. HS256 needs a shared key,
 * which only a configured set may hold; PS256 is checked here and costs several times as much, also for a
 * token that is no good.
 */
const DEFAULT_ALGORITHMS: u32 =
  (1 << Algorithm.RS256) |
  (1 << Algorithm.RS384) |
  (1 << Algorithm.RS512) |
  (1 << Algorithm.ES256) |
  (1 << Algorithm.ES384);

/** Reads one of the `issuers` of the configuration. */
export function readIssuer(config: Config): Issuer {
  const name = config.text("issuer");
  const audiences = allBytes(config.texts("audiences"));
  const clientIds = allBytes(config.texts("clientIds"));
  if (audiences.length + clientIds.length == 0)
    config.fault("audiences", "or clientIds is required: a token for others must not count here");
  const subject = config.has("subjectClaim") ? config.text("subjectClaim") : "sub";
  const issuer = new Issuer(bytes(name), audiences, bytes(subject));
  issuer.clientIds = clientIds;
  issuer.leeway = <i64>config.number("leewaySeconds", 60, 0);
  issuer.expiryRequired = config.flag("requireExpiry", true);
  if (config.has("tenantClaim")) issuer.tenantClaim = bytes(config.text("tenantClaim"));
  if (config.has("tasksClaim")) issuer.tasksClaim = bytes(config.text("tasksClaim"));
  issuer.algorithms = readAlgorithms(config);
  readKeys(issuer, name, config);
  config.finish();
  return issuer;
}

function allBytes(texts: string[]): Bytes[] {
  const all: Bytes[] = [];
  for (let i = 0; i < texts.length; i++) all.push(bytes(texts[i]));
  return all;
}

function readAlgorithms(config: Config): u32 {
  const names = config.texts("algorithms");
  if (!config.has("algorithms")) return DEFAULT_ALGORITHMS;
  let algorithms: u32 = 0;
  for (let i = 0; i < names.length; i++) {
    const index = ALGORITHM_NAMES.indexOf(names[i]);
    if (index > 0) algorithms |= 1 << index;
    else config.fault(`algorithms[${i.toString()}]`, `must be one of ${ALGORITHM_NAMES.slice(1).join(", ")}`);
  }
  return algorithms;
}

function readKeys(issuer: Issuer, name: string, config: Config): void {
  if (config.has("jwks") == config.has("remoteJwks")) config.fault("", "needs jwks or remoteJwks, not both");
  const jwks = config.raw("jwks");
  if (jwks != null) {
    const leftOut: string[] = [];
    const keys = parseJwks(jwks, true, issuer.algorithms, leftOut);
    if (keys == null) config.fault("jwks", "must have a list of keys");
    else if (keys.length == 0)
      config.fault("jwks", leftOut.length > 0 ? `cannot be used: ${leftOut.join(", ")}` : "holds no key");
    else {
      if (leftOut.length > 0) log(LogLevel.Warn, `keys of ${name} left out: ${leftOut.join(", ")}`);
      issuer.keys = keys;
    }
  }
  const remote = config.object("remoteJwks");
  if (remote != null) {
    issuer.source = new JwksSource(
      name,
      remote.text("cluster"),
      remote.text("authority"),
      remote.text("path"),
      <u64>(remote.number("refreshSeconds", 300, 1) * SECOND),
      issuer.algorithms,
    );
    remote.finish();
  }
}
