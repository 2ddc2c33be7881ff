import { type Mutant, mutants } from "../mutant.ts";

const SLOW = "opens requests and never ends them, or sends a space a second";
const STREAMS = "opens thousands of streams over many connections";
const KEYS = "floods with keys that nobody counted before";
const USED_UP = "uses up what another was promised";
const SHARES = "test/host/shares.test.ts:";
const TENANT = "test/host/tenant-limits.test.ts:";
const RATE = "test/host/rate-limit.test.ts:";

export const LIMITS: Mutant[] = [
  ...mutants(SLOW, "filters/rate-limit/rate-limit.ts", [
    [
      `${SHARES} a request that is not whole has no permit`,
      "if (http.endOfRequest) admission.begin(arrival.permit);",
      "admission.begin(arrival.permit);",
    ],
    [
      `${SHARES} a request that is not whole has no permit`,
      "return !endOfStream || this.begins(http) ? BodyAction.CONTINUE",
      "return true ? BodyAction.CONTINUE",
    ],
    [
      `${SHARES} a request that is not whole has no permit`,
      "return this.begins(http) ? TrailersAction.CONTINUE",
      "return true ? TrailersAction.CONTINUE",
    ],
  ]),
  ...mutants(STREAMS, "filters/rate-limit/shares.ts", [
    [
      `${SHARES} a task without a limit has a bound`,
      "if (task == null || !task.active) return this.most;",
      "if (task == null || !task.active) return i32.MAX_VALUE;",
    ],
    [`${SHARES} a credential uses its part`, "<f64>task.limit * this.part", "<f64>task.limit"],
    [
      `${SHARES} the shares of a VM that is gone`,
      "bound - permitsOf(share.fingerprint, this.registry) + idle",
      "bound - idle",
    ],
  ]),
  ...mutants(STREAMS, "filters/rate-limit/share-sets.ts", [
    [
      `${SHARES} the shares of a VM that is gone`,
      "if (!registry.isLive(<i32>(count >> PLACE_SHIFT), load<u32>(record, 8))) {",
      "if (false) {",
    ],
    [
      `${SHARES} a credential uses its part`,
      "if (load<u64>(record) == fingerprint) sum += count & PERMITS;",
      "",
    ],
  ]),
  ...mutants(STREAMS, "filters/rate-limit/concurrency.ts", [
    [
      "test/host/concurrency.test.ts: caps what is in flight over all workers",
      "if (free <= 0) return false;",
      "",
    ],
    [
      "test/host/concurrency.test.ts: frees the permits of a VM that is gone",
      "else store<i32>(value + at + 4, 0);",
      "else sum += permits;",
    ],
  ]),
  ...mutants(KEYS, "filters/rate-limit/key-table.ts", [
    [`${RATE} descriptors keep a drained bucket drained`, "if (load<u64>(entry) == 0) {", "if (true) {"],
    [
      `${RATE} descriptors let a new key in beside one that is drained`,
      "if (level > most) {",
      "if (level < most || way == 0) {",
    ],
    [
      `${RATE} descriptors let a new key in beside one that is drained`,
      "if (load<u64>(set + way * ENTRY) == fingerprint) return way;",
      "return way;",
    ],
  ]),
  ...mutants("spells a path as one that a limit does not count", "filters/rate-limit/exempt.ts", [
    [`${TENANT} an exempt path is a whole path`, "if (hasEscape(path)) return false;", ""],
    [
      `${TENANT} an exempt path is a whole path`,
      "if (this.paths.length == 0) return false;",
      "if (this.paths.length > 0) return true;",
    ],
    [
      `${TENANT} a task, a tenant and a descriptor do not count`,
      "if (this.credentials.has(credential.ptr, credential.len)) return true;",
      "return true;",
    ],
  ]),
  ...mutants(USED_UP, "filters/rate-limit/rate-limit.ts", [
    [
      `${RATE} token buckets limit a tenant over its tasks`,
      "if (tenant != null) refusal = limits.pay(tenant!, http);",
      "",
    ],
    [`${RATE} token buckets limit a tenant over its tasks`, "    limits.refund();\n", ""],
    [
      `${RATE} token buckets limit a credential`,
      "if (refusal == null && credential != null) refusal",
      "if (false) refusal",
    ],
  ]),
  ...mutants(USED_UP, "filters/rate-limit/token-bucket.ts", [
    [
      `${RATE} token buckets give nothing twice when another worker's clock is behind`,
      "store<u64>(state, max(last, now));",
      "store<u64>(state, now);",
    ],
    [
      `${RATE} token buckets give nothing twice when another worker's clock is behind`,
      "now > last ? <f64>(now - last) : 0",
      "<f64>(now - last)",
    ],
    [
      `${RATE} token buckets admit the burst`,
      "min(burst, level + elapsedNanos * windows.rates[w])",
      "level + elapsedNanos * windows.rates[w]",
    ],
    [
      `${RATE} priorities let online traffic outlive offline`,
      "const missing = asked + reserve * (burst - asked) - level;",
      "const missing = asked - level;",
    ],
    [
      `${RATE} token buckets hold several windows at once`,
      "if (missing > ROUNDING || burst == 0) {",
      "if (w == 0 && missing > ROUNDING) {",
    ],
  ]),
  ...mutants(USED_UP, "filters/rate-limit/shared-bucket.ts", [
    [
      `${RATE} token buckets keep their level when a VM`,
      "if (length == STATE_SIZE) memory.copy(state, sharedValue(), STATE_SIZE);\n  else fill(state);",
      "fill(state);",
    ],
  ]),
];
