import { type Mutant, mutants } from "../mutant.ts";

const AUTH = "test/host/tenant-auth.test.ts:";
const GRPC_SIZE = "test/host/grpc-size.test.ts:";
const INFER = "test/host/infer-request.test.ts:";
const LOG = "test/host/access-log.test.ts:";
const OUTPUT = "test/unit/command-output.test.ts:";

/** What a caller may try, tokens and signatures aside. */
export const CALLERS: Mutant[] = [
  ...mutants("guesses or bends an API key", "filters/tenant-auth/digest-table.ts", [
    [
      `${AUTH} API keys key cut short`,
      "if (load<u32>(slot + NUMBER_AT) == 0 || equalDigests(slot, digest)) return slot;",
      "return slot;",
    ],
  ]),
  ...mutants("guesses or bends an API key", "filters/tenant-auth/identification.ts", [
    [
      `${AUTH} API keys no credential`,
      "return found < 0 ? reply.CREDENTIAL_MISSING : this.accept(found, identity);",
      "return this.accept(max(found, 0), identity);",
    ],
    [
      `${AUTH} API keys key with a byte more`,
      "if (found < 0) return reply.CREDENTIAL_UNKNOWN;\n    return this.registry.revocations",
      "if (found < 0) return this.accept(0, identity);\n    return this.registry.revocations",
    ],
  ]),
  ...mutants("guesses or bends an API key", "filters/tenant-auth/tenant-auth.ts", [
    [`${AUTH} API keys disabled`, "if (!credential.enabled) return reply.CREDENTIAL_DISABLED;", ""],
    [`${AUTH} API keys expired`, "if (credential.notAfter < now) return reply.CREDENTIAL_EXPIRED;", ""],
    [
      `${AUTH} API keys not yet valid`,
      "if (credential.notBefore > now) return reply.CREDENTIAL_NOT_YET_VALID;",
      "",
    ],
  ]),
  ...mutants(
    "sends two credentials or two task ids, so that the check sees one and the router the other",
    "filters/tenant-auth/presented.ts",
    [
      [`${AUTH} API keys two keys`, "if (count > 1) this.kind = Presented.Several;", ""],
      [
        `${AUTH} API keys two authorizations in one header`,
        "isList(value, this.bearer) ? 2 : authorizations",
        "authorizations",
      ],
      [
        `${AUTH} two authorizations, of which the first is empty`,
        "authorizations > 1 || (authorizations == 1 && !isEmpty(value))",
        "!isEmpty(value)",
      ],
      [
        `${AUTH} API keys key in header and query`,
        "        count += found;\n        this.take(Presented.Secret, value.ptr, value.len);\n      }\n    }\n    if",
        "        this.take(Presented.Secret, value.ptr, value.len);\n      }\n    }\n    if",
      ],
    ],
  ),
  ...mutants(
    "sends two credentials or two task ids, so that the check sees one and the router the other",
    "filters/tenant-auth/tenant-auth.ts",
    [
      [
        `${AUTH} permissions the same task twice`,
        "http.taskids > 1 || http.versions > 1",
        "http.versions > 1",
      ],
      [`${AUTH} permissions two versions`, "http.taskids > 1 || http.versions > 1", "http.taskids > 1"],
      [
        `${AUTH} permissions task that is open, and another`,
        "if (http.taskids > 1) return Mode.Enforce;",
        "",
      ],
    ],
  ),
  ...mutants("hides a path behind `..`, `%2f` or double slashes", "tools/lib/envoy/bootstrap.ts", [
    [
      "test/envoy/tenant-auth.test.ts: takes the path as Envoy normalised it",
      "normalize_path: true,",
      "normalize_path: false,",
    ],
  ]),
  ...mutants("sets the headers that the gateway sets", "filters/tenant-auth/presented.ts", [
    [
      `${AUTH} hygiene takes credentials and the gateway's own headers away`,
      "http.headers.drop(REQUEST_HEADERS, OWN_HEADERS, true);",
      "",
    ],
    [
      `${AUTH} hygiene tells the model server no tenant that nobody proved`,
      "if (tenantHeader != null) http.headers.drop(REQUEST_HEADERS, tenantHeader, false);",
      "",
    ],
  ]),
  ...mutants("sets the headers that the gateway sets", "filters/sdk/host/headers.ts", [
    [
      `${AUTH} hygiene is the same whatever is decided: refused`,
      "(c != Char.UNDERSCORE || wanted != Char.MINUS)",
      "true",
    ],
  ]),
  ...mutants("sends broken HTTP", "filters/sdk/host/headers.ts", [
    [
      `${LOG} shows nothing of the last request in the line of one that Envoy refused`,
      "if (status != OK || resultLen() == 0) {",
      "if (status != OK) {",
    ],
  ]),
  ...mutants("sends broken HTTP", "filters/sdk/pipeline/http-context.ts", [
    [
      `${LOG} shows nothing of the last request in the line of one that Envoy refused`,
      "    this.method.len = 0;\n",
      "",
    ],
  ]),
  ...mutants(
    "names a task that clears, retitles or reorders the operator's terminal",
    "tools/lib/terminal/escape.ts",
    [
      [`${OUTPUT} traffic of a caller without a credential`, "\\u007f-\\u009f", "\\u007f"],
      [`${OUTPUT} traffic of a caller without a credential`, "\\u202a-\\u202e", "\\u202a"],
    ],
  ),
  ...mutants(
    "the same by what a cluster or a registry answers, or by a file's name",
    "tools/lib/terminal/escape.ts",
    [
      [
        `${OUTPUT} the program itself is guarded`,
        'control === "\\n" || control === "\\t" ? control : escaped(control)',
        "control",
      ],
    ],
  ),
  ...mutants("sends a body that traps the VM", "filters/sdk/bytes/json-string.ts", [
    [`${INFER} any bytes never trap`, "if (c < Char.SPACE) return false;", ""],
    [`${INFER} any bytes never trap`, "if (len == 0) return false;", "if (len == 0) break;"],
    [
      `${AUTH} configuration is refused: the second half of a surrogate pair`,
      "if (unit < 0 || (unit & 0xfc00) == 0xdc00) return false;",
      "if (unit < 0) return false;",
    ],
  ]),
  ...mutants("finds a trap all the same", "tools/lib/envoy/bootstrap.ts", [
    [
      "test/envoy/trap.test.ts: answers the next request after a trap",
      'failure_policy: "FAIL_RELOAD"',
      'failure_policy: "FAIL_CLOSED"',
    ],
  ]),
  ...mutants(
    "fills memory with large, deep or compressed bodies",
    "filters/protocol-conversion/protocol-conversion.ts",
    [
      [
        `${INFER} no request begins while others hold maxMemoryBytes`,
        "if (slabBytesHeld() > settings.maxMemoryBytes) return this.refuse(http, OVERLOADED, HeadersAction.STOP);",
        "",
      ],
      [
        `${INFER} errors of a body that is too large is 413`,
        "conversion.received > conversion.policy.maxRequestBytes",
        "false",
      ],
      [
        `${INFER} a chunk of many small tensors is held to maxMemoryBytes`,
        "endOfStream, this.settings.maxMemoryBytes);\n    http.requestTensorBytes",
        "endOfStream, i64.MAX_VALUE);\n    http.requestTensorBytes",
      ],
    ],
  ),
  ...mutants(
    "sends a gRPC message of a gigabyte, to keep a model server busy",
    "filters/protocol-conversion/grpc-request.ts",
    [
      [
        `${GRPC_SIZE} the first bytes of a message of a gigabyte`,
        "if (this.left > this.most) return true;",
        "",
      ],
      [`${GRPC_SIZE} in chunks of`, "FRAME_HEADER_BYTES - this.headerBytes", "FRAME_HEADER_BYTES"],
    ],
  ),
  ...mutants("fills memory with large, deep or compressed bodies", "filters/sdk/bytes/json-scanner.ts", [
    [
      `${AUTH} tokens claims nested too deeply, and closed`,
      "if (depth > MAX_DEPTH) this.fail();\n    else if",
      "if",
    ],
  ]),
  ...mutants("fills memory with large, deep or compressed bodies", "filters/decompression/encoded-body.ts", [
    [
      "test/host/decompression.test.ts: a bomb is refused for its ratio",
      "min(this.maxBytes, FREE_BYTES + this.received * this.maxRatio)",
      "this.maxBytes",
    ],
    [
      "test/host/decompression.test.ts: a bomb is refused for its size",
      "min(this.maxBytes, FREE_BYTES + this.received * this.maxRatio)",
      "(FREE_BYTES + this.received * this.maxRatio)",
    ],
    [
      "test/host/decompression.test.ts: takes of damaged bodies what zlib takes",
      "if (input.take(32) != this.check) return Progress.Malformed;",
      "input.take(32);",
    ],
  ]),
  ...mutants("leaves in the middle of a body", "filters/rate-limit/admission.ts", [
    [
      "test/host/concurrency.test.ts: gets a permit back however a stream ends",
      "if (this.permit) task.concurrency!.leave();",
      "",
    ],
    ["test/host/shares.test.ts: a credential uses its part", "if (share != null) shares.leave(share);", ""],
  ]),
  ...mutants("hides an entry of the log, or writes one of its own", "filters/sdk/bytes/json-text.ts", [
    ["test/unit/log-text.test.ts: JSON strings eda080", "first == 0xed ? 0x9f : first", "first"],
    ["test/unit/log-text.test.ts: JSON strings c080", "first < 0xc2 || ", ""],
    ["test/unit/log-text.test.ts: JSON strings f48fbfbf", "first == 0xf4 ? 0x8f : 0xbf", "0xbf"],
    [
      "test/unit/log-text.test.ts: JSON strings are one line",
      "if (c < 0x80) {\n        to = writeEscape(to, c);",
      "if (c < 0x80) {\n        store<u8>(to++, c);",
    ],
    [
      `${LOG} bounds each value`,
      "if (to + escapedLength(c, sequence) > full)",
      "if (to + escapedLength(c, sequence) > full + 8)",
    ],
  ]),
  ...mutants("learns who else there is from error texts", "filters/sdk/bytes/query-parameter.ts", [
    [`${AUTH} hygiene takes each key out of any query`, "  path.len = <i32>(to - path.ptr);\n", ""],
  ]),
  ...mutants("learns who else there is from error texts", "filters/tenant-auth/presented.ts", [
    [
      `${AUTH} hygiene takes the key out of`,
      "if (this.inQuery) setHeader(REQUEST_HEADERS, PATH, http.path.ptr, http.path.len);",
      "",
    ],
    [
      `${AUTH} hygiene takes credentials and the gateway's own headers away`,
      "if (((this.keyHeaders >> i) & 1) != 0) removeHeader(REQUEST_HEADERS, names[i]);",
      "",
    ],
    [
      `${AUTH} hygiene is the same whatever is decided: off`,
      "if (this.authorization) removeHeader(REQUEST_HEADERS, AUTHORIZATION);",
      "",
    ],
  ]),
  ...mutants("learns who else there is from error texts", "filters/access-log/write-line.ts", [
    [`${LOG} hides header values and parts of paths`, "if (member.hidden && value.len > 0)", "if (false)"],
  ]),
  ...mutants("goes on with a key that was taken away", "filters/tenant-auth/revocations.ts", [
    [`${AUTH} memory of checked credentials ends with a revocation`, "this.addAll(shared, sharedLen);", ""],
    [
      `${AUTH} API keys revoked by its digest`,
      "this.addAll(changetype<usize>(configured), configured.length);",
      "",
    ],
  ]),
  ...mutants("goes on with a key that was taken away", "filters/tenant-auth/tenant-auth.ts", [
    [`${AUTH} memory of checked credentials ends with a revocation`, "    forgetAll();\n", ""],
  ]),
  ...mutants("goes on with a key that was taken away", "filters/tenant-auth/identification.ts", [
    [
      `${AUTH} API keys revoked by its id`,
      "return registry.revocations.has(registry.credentials[credential].revocation.ptr)",
      "return false",
    ],
    [
      `${AUTH} API keys revoked by its digest`,
      "return this.registry.revocations.has(digest) ? reply.CREDENTIAL_REVOKED : this.accept(found, identity);",
      "return this.accept(found, identity);",
    ],
  ]),
];
