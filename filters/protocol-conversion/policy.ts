import { NonFinite } from "../model-protocol/numbers/float-text";
import { Config } from "../sdk/pipeline/config";

const MOST_HEADER_BYTES: f64 = 1_048_576;

/**
 * How a task's bodies are converted: what stands at `protocolConversion` holds for tasks that do not say
 * otherwise.
 */
export class Policy {
  maxRequestBytes: i64 = 64 * 1024 * 1024;
  maxResponseBytes: i64 = 256 * 1024 * 1024;
  /** Room for the JSON of a binary reply; 0: as much as the model's replies need. */
  binaryHeaderBytes: i32 = 0;
  nonFinite: NonFinite = NonFinite.String;
}

/** Reads the policy of `config`; `fallback` says what it does not say. */
export function readPolicy(config: Config, fallback: Policy): Policy {
  const policy = new Policy();
  policy.maxRequestBytes = <i64>config.number("maxRequestBytes", <f64>fallback.maxRequestBytes, 1);
  policy.maxResponseBytes = <i64>config.number("maxResponseBytes", <f64>fallback.maxResponseBytes, 1);
  const room = config.number("binaryHeaderBytes", fallback.binaryHeaderBytes, 256);
  if (room > MOST_HEADER_BYTES) config.fault("binaryHeaderBytes", "must be at most 1048576");
  policy.binaryHeaderBytes = <i32>min(room, MOST_HEADER_BYTES);
  // In the order of the enumeration.
  const words = ["null", "error", "string", "token"];
  policy.nonFinite = config.has("nonFinite")
    ? <NonFinite>config.choice("nonFinite", words)
    : fallback.nonFinite;
  return policy;
}
