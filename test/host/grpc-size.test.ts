import { expect, it } from "vitest";
import { conversionVm, frame, open } from "../support/conversion.ts";

/** Messages of gRPC callers, which pass as they are: none is larger than a request may be. */

const LIMIT = 1000;
const GRPC = { "content-type": "application/grpc" };
const UNARY = "/inference.GRPCInferenceService/ModelInfer";
const STREAM = "/inference.GRPCInferenceService/ModelStreamInfer";
const vm = conversionVm({ maxRequestBytes: LIMIT });
const message = (bytes: number) => frame(Buffer.alloc(bytes, 7));

/** Sends the bytes in chunks. @returns what reaches the model, or why it does not */
function sent(bytes: Uint8Array, chunkSize: number, path = UNARY, more: Record<string, string> = {}) {
  const stream = open(vm, path, { ...GRPC, ...more });
  const passed = stream.sendRequestBody(bytes, chunkSize);
  stream.close();
  return stream.reply ? [stream.reply.details, stream.reply.grpcStatus] : Buffer.from(passed);
}

const REFUSED = ["body_too_large", 8];

it.each([1, 2, 3, 4, 5, 6, 7, 500, 1005, 5000])("in chunks of %i bytes", (chunk) => {
  const fits = message(LIMIT);
  expect(sent(fits, chunk)).toEqual(fits);
  expect(sent(message(LIMIT + 1), chunk)).toEqual(REFUSED);
  const many = Buffer.concat([message(LIMIT), message(0), message(3), message(LIMIT)]);
  expect(sent(many, chunk, STREAM)).toEqual(many);
  expect(sent(Buffer.concat([many, message(LIMIT + 1)]), chunk, STREAM)).toEqual(REFUSED);
});

it("the first bytes of a message of a gigabyte are enough", () => {
  const begin = Buffer.from([0, 0x40, 0, 0, 0, 1, 2, 3]);
  const stream = open(vm, UNARY, GRPC);
  stream.sendRequestBody(begin, undefined, false);
  expect(stream.reply).toMatchObject({ details: "body_too_large", grpcStatus: 8 });
});

it("of tasks that are not converted nothing is known", () => {
  expect(sent(message(LIMIT + 1), 500, UNARY, { taskid: "2" })).toEqual(message(LIMIT + 1));
});
