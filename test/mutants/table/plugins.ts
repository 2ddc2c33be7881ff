import { type Mutant, mutants } from "../mutant.ts";

const CONVERTER = "test/host/converter.test.ts:";
const TRAPS = "test/host/converter-traps.test.ts:";
const REGISTRY = "test/unit/oci/hostile-registry.test.ts:";
const SIGNED = "test/oci/signature.test.ts:";
const JUDGE = "test/unit/rollout/judge.test.ts: judge";

/** Plug-ins against the gateway, and what becomes of the gateway without its filter. */
export const PLUGINS: Mutant[] = [
  ...[
    ...mutants("a converter traps or loops over garbage", "filters/sdk/host/budget.ts", [
      [`${TRAPS} a trap (recursion)`, 'if (left < 0) trap("more instructions than it may");', ""],
    ]),
    ...mutants("a converter traps or loops over garbage", "tools/lib/wasm/instruction-budget.ts", [
      [`${TRAPS} a trap (recursion)`, "recursive: isOwn && recursive.has(each.index),", "recursive: false,"],
    ]),
  ].map((mutant): Mutant => ({ ...mutant, endless: true })),
  ...mutants("a converter keeps memory", "filters/converter/converter.ts", [
    [
      `${CONVERTER} before a body over the limit gets a 413`,
      "if (exchange.body.len + size - exchange.heldBytes > this.maxRequestBytes)",
      "if (false)",
    ],
  ]),
  ...mutants("a converter keeps memory", "filters/converter/exchange.ts", [
    [
      `${CONVERTER} memory is flat over 4,000`,
      "    this.body.free();\n",
      "    this.body.ptr = 0;\n    this.body.free();\n",
    ],
  ]),
  ...mutants("a module is exchanged in the registry", "tools/lib/oci/registry.ts", [
    [`${REGISTRY} a layer whose bytes are not those`, "    checked(bytes, digest, client.base);\n", ""],
    [
      `${REGISTRY} a manifest whose bytes are not those`,
      "from.digest ?? digestOf(bytes), client.base",
      "digestOf(bytes), client.base",
    ],
  ]),
  ...mutants("a module is exchanged in the registry", "tools/cluster/istio/wasm-plugin.ts", [
    [
      "test/unit/oci/image.test.ts: wasmPlugin refuses a tag",
      "if (!image.digest) {",
      "if (!image.digest && !image.tag) {",
    ],
  ]),
  ...mutants("a module is exchanged in the registry", "tools/lib/oci/pull-module.ts", [
    [`${REGISTRY} a link called plugin.wasm is no module`, 'type !== "file" || ', ""],
    [`${REGISTRY} a layer that unpacks to more`, ", { maxOutputLength: MOST_BYTES }", ""],
  ]),
  ...mutants(
    "the filter is taken out of a gateway, by hand or by mistake",
    "tools/cluster/istio/native-check.ts",
    [["test/envoy/native-check.test.ts: when ", 'rules: { action: "DENY"', 'rules: { action: "LOG"']],
  ),
  ...mutants("callers forge the mark of the filter", "filters/tenant-auth/tenant-auth.ts", [
    [
      "test/host/tenant-auth.test.ts: hygiene marks what may go on to the model: no credential",
      "if (mode == Mode.Enforce) return refused(http, refusal);",
      "if (mode == Mode.Enforce) {\n          http.pass();\n          return refused(http, refusal);\n        }",
    ],
    [
      "test/host/tenant-auth.test.ts: hygiene marks what may go on to the model: a good key",
      "    http.pass();\n    return HeadersAction.CONTINUE;",
      "    return HeadersAction.CONTINUE;",
    ],
  ]),
  ...mutants("a module that nobody signed is rolled out", "tools/lib/oci/signature.ts", [
    [
      `${SIGNED} an unsigned image does not pass`,
      "if (!tagged && referrers.length === 0 && byBundle === undefined)",
      "if (!tagged) return;\n  if (referrers.length === 0 && byBundle === undefined)",
    ],
    [`${SIGNED} another key does not pass`, "if (byBundle) return;", "if (byBundle || tagged) return;"],
  ]),
  ...mutants("a new filter fails under real traffic", "tools/cluster/rollout/judge.ts", [
    [`${JUDGE} a trap`, "if (canary.vmFailures > 0)", "if (canary.vmFailures > 1)"],
    [`${JUDGE} errors`, "if (worse(canary.errors, rest.errors, thresholds.errorPoints))", "if (false)"],
    [`${JUDGE} a new reason of refusal`, "if (worse(count, usual, thresholds.refusalPoints))", "if (false)"],
    [`${JUDGE} one of few requests`, "const CONFIDENCE_Z = 4;", "const CONFIDENCE_Z = 0;"],
  ]),
];
