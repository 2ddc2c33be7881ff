/** The spec of a ModelTask for property tests, valid. */
import fc from "fast-check";
import { modelTask } from "../../tools/api/model-task.ts";
import { modelRequest } from "../../tools/api/warm-up.ts";
import { arbitraryConversion } from "./conversion-arbitraries.ts";
import { ABSENT, arbitraryOf } from "./schema-arbitrary.ts";

type Json = Record<string, unknown>;

/** What depends on other fields: put together below. */
const APART = ["versions", "matches", "mirror", "autoscaling", "protocol", "openai"];
const { shape } = modelTask.shape.spec;

/** One of the ways to say what a request is. */
const SOURCES = {
  method: "/a.B/C",
  path: "/v2/models/ranking/infer",
  file: "requests.jsonl",
  model: "ranking",
};
const REQUEST = "spec.warmUp.request";
const warmUpRequest = fc
  .record({
    source: fc.constantFrom(...(Object.keys(SOURCES) as (keyof typeof SOURCES)[])),
    rest: arbitraryOf(modelRequest, REQUEST, {
      ...Object.fromEntries(Object.keys(SOURCES).map((name) => [`${REQUEST}.${name}`, ABSENT])),
    }),
  })
  .map(({ source, rest }) => ({ [source]: SOURCES[source], ...(rest as Json) }));

const rest = arbitraryOf(modelTask.shape.spec, "spec", {
  ...Object.fromEntries([...APART, "taskid", "tenant"].map((name) => [`spec.${name}`, ABSENT])),
  "spec.service.name": fc.constantFrom("model", "model-2"),
  "spec.conversion": arbitraryConversion,
  "spec.forwardHeaders": fc.subarray(["cookie", "taskid", "x-envoy-original-path"]),
  [REQUEST]: warmUpRequest,
}) as fc.Arbitrary<Json & { limits?: Json }>;

const entries = (name: keyof typeof shape, given: string) =>
  arbitraryOf(shape[name], `spec.${name}`, {
    [`spec.${name}[].${given}`]: ABSENT,
    [`spec.${name}.${given}`]: ABSENT,
    "spec.versions[].weight": ABSENT,
    "spec.matches[].prefix": ABSENT,
    "spec.matches[].header": fc.constantFrom("x-user", "x-a"),
  }) as fc.Arbitrary<Json[]>;

/** Versions, whose weights are none or sum to 100, and what sends requests to one of them. */
const routing = fc
  .record({
    versions: entries("versions", "name"),
    isWeighted: fc.boolean(),
    matches: entries("matches", "version"),
    isPrefix: fc.boolean(),
    mirror: fc.option(entries("mirror", "version"), { nil: undefined }),
  })
  .map(({ versions, isWeighted, matches, isPrefix, mirror }) => {
    if (versions.length === 0) return {};
    const weight = (index: number) => (index === 0 ? 100 - (versions.length - 1) * 12.5 : 12.5);
    return {
      versions: versions.map((each, index) => ({
        ...{ ...each, name: `v${index}` },
        ...(isWeighted && { weight: weight(index) }),
      })),
      matches: matches.map(({ exact, ...each }, index) => ({
        ...each,
        ...(isPrefix ? { prefix: "a" } : exact !== undefined && { exact }),
        version: `v${index % versions.length}`,
      })),
      ...(mirror && { mirror: { ...mirror, version: "v0" } }),
    };
  });

interface Autoscaling {
  minReplicas?: number;
  maxReplicas: number;
  inFlightPerReplica?: number;
}

/** Gateways count the requests of tasks with limits only. */
function withAutoscaling(spec: Json & { limits?: Json }, autoscaling: Autoscaling): Json {
  const { minReplicas = 2, maxReplicas, inFlightPerReplica } = autoscaling;
  const isCounted = inFlightPerReplica !== undefined || spec.limits?.maxInFlightPerReplica !== undefined;
  return spec.limits && isCounted && minReplicas <= maxReplicas ? { ...spec, autoscaling } : spec;
}

/** Another one in each task: of one tenant no two may have the same. */
const modelNames = fc.nat(1_000_000).map((n) => [`gpt-${n}`, `vendor/gpt-${n}`, `gpt-${n}:v9`]);
const openai = fc.oneof(
  fc.constant({}),
  arbitraryOf(shape.openai, "spec.openai", {
    "spec.openai.server": fc.constant("openai"),
    "spec.openai.models": modelNames,
    "spec.openai.servedModel": fc.constantFrom("gpt", "meta-llama/Llama-3-8B"),
    "spec.openai.basePath": fc.constantFrom("/v1", "/openai/v1"),
    "spec.openai.apiKeySecret": fc.constant({ name: "model-server", key: "key" }),
    "spec.openai.tensors": fc.constant(undefined),
    "spec.openai.chat": fc.constant(undefined),
  }),
  arbitraryOf(shape.openai, "spec.openai", {
    "spec.openai.server": fc.constant("openInference"),
    "spec.openai.models": modelNames,
    "spec.openai.servedModel": fc.constantFrom("gpt", "meta-llama/Llama-3-8B"),
    "spec.openai.basePath": fc.constant(undefined),
    "spec.openai.apiKeySecret": fc.constant(undefined),
    "spec.openai.tensors.parameters": fc.uniqueArray(
      fc.record({
        name: fc.constantFrom("top_k", "stop", "seed"),
        tensor: fc.constantFrom("top_k", "words"),
      }),
      { selector: ({ name }) => name },
    ),
  }),
) as fc.Arbitrary<Json>;

/** What callers speak; a converter of a task's own is beside a server of Open Inference. */
function withProtocol(spec: Json & { conversion?: Json }, speaks: string, openai: Json): Json {
  // Where bodies pass, no protocol of the two is spoken.
  const isNone = spec.conversion?.protocol === "none";
  if (speaks === "default" || (speaks === "conversion" && isNone)) return spec;
  if (speaks === "conversion") return { ...spec, protocol: spec.conversion?.protocol ?? "openInference" };
  return {
    ...spec,
    protocol: "openai",
    openai: spec.conversion?.converter ? { server: "openInference" } : openai,
  };
}

export const arbitraryTask = fc
  .record({
    rest,
    routing,
    autoscaling: arbitraryOf(shape.autoscaling, "spec.autoscaling"),
    speaks: fc.constantFrom("default", "conversion", "openai"),
    openai,
  })
  .map(({ rest, routing, autoscaling, speaks, openai }) =>
    withProtocol(withAutoscaling({ ...rest, ...routing }, autoscaling as Autoscaling), speaks, openai),
  );
