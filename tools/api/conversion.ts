import { z } from "zod";
import { imageByDigest } from "./fields.ts";
import { withRules } from "./rules.ts";

const GIB = 1024 ** 3;
/** All bodies that wait in the VM of a converter are 64 MiB at most. */
const MOST_OF_CONVERTERS = 64 * 1024 * 1024;

/** Data types of the Open Inference Protocol. */
export const OPEN_INFERENCE_TYPES = [
  "BOOL",
  "UINT8",
  "UINT16",
  "UINT32",
  "UINT64",
  "INT8",
  "INT16",
  "INT32",
  "INT64",
  "FP16",
  "BF16",
  "FP32",
  "FP64",
  "BYTES",
] as const;

/** Data types of TensorFlow that are converted. */
export const TENSORFLOW_TYPES = [
  "DT_FLOAT",
  "DT_DOUBLE",
  "DT_INT32",
  "DT_UINT8",
  "DT_INT16",
  "DT_INT8",
  "DT_STRING",
  "DT_INT64",
  "DT_BOOL",
  "DT_BFLOAT16",
  "DT_UINT16",
  "DT_HALF",
  "DT_UINT32",
  "DT_UINT64",
] as const;

const tensorName = () => z.string().min(1).max(512);

const tensorInfos = () =>
  z
    .array(
      z.strictObject({
        name: tensorName().describe("Name of the tensor, as callers write it."),
        dtype: z.enum(TENSORFLOW_TYPES).describe("TensorFlow's data type, such as DT_FLOAT."),
      }),
    )
    .max(256);

const signature = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(512)
    .default("serving_default")
    .describe("Name that callers send as `signature_name`. Default: serving_default."),
  inputs: tensorInfos().min(1).describe("Inputs of the model."),
  outputs: tensorInfos()
    .default([])
    .describe("Outputs of the model. Replies name them, so they may be left out. Default: none."),
});

const raw = withRules(
  z.strictObject({
    name: tensorName().describe("Name of the input."),
    datatype: z
      .enum(OPEN_INFERENCE_TYPES)
      .describe("Data type of the Open Inference Protocol, such as FP32."),
    shape: z
      .array(z.int().min(-1).max(1_000_000_000))
      .min(1)
      .max(32)
      .describe("Its dimensions; one may be -1 and then follows from the length of the body."),
  }),
  [
    {
      holds: ({ shape }) => shape.filter((size) => size < 0).length <= 1,
      cel: "self.shape.filter(size, size < 0).size() <= 1",
      message: "may be -1 in one dimension only",
      path: ["shape"],
    },
    {
      holds: ({ datatype, shape }) => datatype !== "BYTES" || shape.every((size) => size >= 0),
      cel: "self.datatype != 'BYTES' || self.shape.all(size, size >= 0)",
      message: "must be known for BYTES, whose elements have no fixed size",
      path: ["shape"],
    },
  ],
);

const bytes = () => z.int().min(1).max(GIB).optional();

/** How a task's HTTP bodies become its model server's gRPC and back. */
export const conversion = withRules(
  z.strictObject({
    protocol: z
      .enum(["openInference", "tensorflowServing", "none"])
      .default("openInference")
      .describe("gRPC protocol of the model server; none passes HTTP through. Default: openInference."),
    converter: imageByDigest("oci://registry.example/converters/ranking")
      .optional()
      .describe(
        "The task's own converter between its JSON and the protocol, an image by digest. Default: the protocol's JSON form.",
      ),
    signatures: z
      .array(signature)
      .max(64)
      .default([])
      .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
      .describe(
        "For :predict of TensorFlow Serving: what the model takes and gives, the default signature first; `modelgate task discover` prints them. Default: none.",
      ),
    raw: raw
      .optional()
      .describe(
        "What a body of application/octet-stream is, where headers do not say: callers then send the tensor's bytes alone. Default: headers must say.",
      ),
    nonFinite: z
      .enum(["null", "error", "string", "token"])
      .optional()
      .describe(
        'NaN and infinities, for which JSON has no number: string writes "NaN", "Infinity" and "-Infinity", "null" (quote it) writes null, error refuses the reply, token writes NaN without quotes as Triton and TensorFlow Serving do; requests may hold what replies do. Default: string.',
      ),
    maxRequestBytes: bytes().describe(
      "Largest body of a request, and largest message of a gRPC caller, in bytes; 413 beyond. Default: 64 MiB, with a converter 8 MiB, which gRPC callers pass.",
    ),
    maxResponseBytes: bytes().describe(
      "Largest message of the model, in bytes; 502 beyond. Default: 256 MiB, with a converter 16 MiB.",
    ),
    contentType: z
      .string()
      .max(256)
      .regex(/^[\w.+-]+\/[\w.+-]+( *;.*)?$/, "must be a media type such as application/json")
      .optional()
      .describe("Content type of a converter's answers. Default: application/json."),
    binaryHeaderBytes: z
      .int()
      .min(256)
      .max(1024 * 1024)
      .optional()
      .describe(
        "Room for the JSON of a reply with binary tensor data, in bytes. Default: what the replies of the model need.",
      ),
  }),
  [
    {
      holds: ({ protocol, signatures }) => signatures.length === 0 || protocol === "tensorflowServing",
      cel: "!has(self.signatures) || self.signatures.size() == 0 || (has(self.protocol) && self.protocol == 'tensorflowServing')",
      message: "are for protocol: tensorflowServing",
      path: ["signatures"],
    },
    {
      holds: ({ signatures }) => new Set(signatures.map(({ name }) => name)).size === signatures.length,
      message: "must not hold a name twice",
      path: ["signatures"],
    },
    {
      holds: ({ protocol, raw }) => raw === undefined || protocol !== "none",
      cel: "!has(self.raw) || !has(self.protocol) || self.protocol != 'none'",
      message: "needs a protocol to convert to",
      path: ["raw"],
    },
    {
      holds: ({ converter, raw, signatures, nonFinite, binaryHeaderBytes }) =>
        converter === undefined || (!raw && signatures.length === 0 && !nonFinite && !binaryHeaderBytes),
      cel: "!has(self.converter) || (!has(self.raw) && (!has(self.signatures) || self.signatures.size() == 0) && !has(self.nonFinite) && !has(self.binaryHeaderBytes))",
      message: "converts by itself: raw, signatures, nonFinite and binaryHeaderBytes have no use beside it",
      path: ["converter"],
    },
    {
      holds: ({ protocol, binaryHeaderBytes }) => !binaryHeaderBytes || protocol === "openInference",
      cel: "!has(self.binaryHeaderBytes) || !has(self.protocol) || self.protocol == 'openInference'",
      message: "is for protocol: openInference",
      path: ["binaryHeaderBytes"],
    },
    {
      holds: ({ protocol, converter, nonFinite, maxRequestBytes, maxResponseBytes }) =>
        protocol !== "none" || converter !== undefined || !(nonFinite || maxRequestBytes || maxResponseBytes),
      cel: "!has(self.protocol) || self.protocol != 'none' || has(self.converter) || (!has(self.nonFinite) && !has(self.maxRequestBytes) && !has(self.maxResponseBytes))",
      message:
        "none passes bodies as they are: nonFinite, maxRequestBytes and maxResponseBytes have no use beside it",
      path: ["protocol"],
    },
    {
      holds: ({ converter, maxRequestBytes = 1, maxResponseBytes = 1 }) =>
        converter === undefined || Math.max(maxRequestBytes, maxResponseBytes) <= MOST_OF_CONVERTERS,
      cel: `!has(self.converter) || ((!has(self.maxRequestBytes) || self.maxRequestBytes <= ${MOST_OF_CONVERTERS}) && (!has(self.maxResponseBytes) || self.maxResponseBytes <= ${MOST_OF_CONVERTERS}))`,
      message: "takes bodies of at most 64 MiB: lower maxRequestBytes and maxResponseBytes",
      path: ["converter"],
    },
    {
      holds: ({ converter, contentType }) => contentType === undefined || converter !== undefined,
      cel: "!has(self.contentType) || has(self.converter)",
      message: "belongs to a converter: name its image in converter",
      path: ["contentType"],
    },
  ],
);

export type ConversionSpec = z.output<typeof conversion>;
