/** The field `conversion` of a ModelTask for property tests, valid. */
import fc from "fast-check";
import { OPEN_INFERENCE_TYPES, TENSORFLOW_TYPES } from "../../tools/api/conversion.ts";

const name = fc.constantFrom("x", "input 0", "é", 'a"b\\', "x".repeat(512), "𝒳");
const nonFinite = fc.constantFrom("null", "error", "string", "token");
const bytes = fc.constantFrom(1, 4096, 64 * 1024 * 1024, 1024 ** 3);
const sizes = { maxRequestBytes: bytes, maxResponseBytes: bytes };
const FIXED_TYPES = OPEN_INFERENCE_TYPES.filter((type) => type !== "BYTES");
const size = fc.constantFrom(0, 1, 2, 224, 1_000_000_000);
const raw = fc.oneof(
  fc.record({ name, datatype: fc.constant("BYTES"), shape: fc.array(size, { minLength: 1, maxLength: 4 }) }),
  fc
    .record({
      ...{ name, datatype: fc.constantFrom(...FIXED_TYPES) },
      shape: fc.array(size, { minLength: 1, maxLength: 32 }),
      open: fc.option(fc.nat(31), { nil: undefined }),
    })
    .map(({ open, shape, ...rest }) => ({
      ...rest,
      shape: shape.map((each, index) => (open !== undefined && index === open % shape.length ? -1 : each)),
    })),
);
const infos = (minLength: number) =>
  fc
    .array(fc.constantFrom(...TENSORFLOW_TYPES), { minLength, maxLength: 4 })
    .map((types) => types.map((dtype, index) => ({ name: `t${index}`, dtype })));
const signatures = fc
  .array(fc.record({ inputs: infos(1), outputs: infos(0) }), { maxLength: 3 })
  .map((list) => list.map((each, index) => (index === 0 ? each : { ...each, name: `signature ${index}` })));
const optional = <T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(model, { requiredKeys: [] });

const ofConverters = fc.constantFrom(1, 8 * 1024 * 1024, 64 * 1024 * 1024);

export const arbitraryConversion = fc.oneof(
  optional({
    ...{ raw, nonFinite, ...sizes, protocol: fc.constant("openInference") },
    binaryHeaderBytes: fc.constantFrom(256, 4096, 1024 * 1024),
  }),
  fc.record(
    { raw, nonFinite, ...sizes, protocol: fc.constant("tensorflowServing"), signatures },
    { requiredKeys: ["protocol"] },
  ),
  fc.constant({ protocol: "none" }),
  fc.record(
    {
      converter: fc.constant(`oci://registry.example/converters/ranking@sha256:${"a".repeat(64)}`),
      protocol: fc.constantFrom("openInference", "tensorflowServing", "none"),
      maxRequestBytes: ofConverters,
      maxResponseBytes: ofConverters,
      contentType: fc.constantFrom("text/plain; charset=utf-8", "application/x-ranking+json"),
    },
    { requiredKeys: ["converter"] },
  ),
);
