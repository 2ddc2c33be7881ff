import { beforeAll, describe, expect, it } from "vitest";
import type { Vm } from "../../tools/lib/host/vm.ts";
import { conversionVm, GRPC_HEADERS, type InferRequest, open, send } from "../support/conversion.ts";

/** What callers and servers of the Open Inference Protocol were seen to send, Triton's most of all. */

let vm: Vm;
beforeAll(() => {
  vm = conversionVm();
});

const INPUT = { name: "x", shape: [1], datatype: "FP32", data: [1] };
const request = (members: object, input: object = INPUT) => JSON.stringify({ ...members, inputs: [input] });

function converted(json: string, headers: Record<string, string> = {}): InferRequest {
  const sent = send(vm, json, undefined, undefined, headers);
  if (sent.request === undefined) throw new Error(sent.error);
  return sent.request;
}

describe("null for a member that may be left out means that it is", () => {
  it.each([
    ["id", request({ id: null })],
    ["parameters", request({ parameters: null })],
    ["outputs", request({ outputs: null })],
    ["parameters of an input", request({}, { ...INPUT, parameters: null })],
    ["parameters of an output", request({ outputs: [{ name: "y", parameters: null }] })],
    ["data beside binary data", ""],
  ])("%s", (what, json) => {
    if (what !== "data beside binary data") {
      const { id, parameters, inputs } = converted(json);
      expect([id, parameters, inputs[0]?.parameters]).toEqual(["", {}, {}]);
      return;
    }
    const { data: _, ...input } = INPUT;
    const head = request({}, { ...input, data: null, parameters: { binary_data_size: 4 } });
    const body = Buffer.concat([Buffer.from(head), Buffer.of(0, 0, 128, 63)]);
    const headers = { "inference-header-content-length": `${head.length}` };
    const sent = send(vm, body, undefined, undefined, headers);
    expect(sent.request?.rawInputContents[0]?.toString("hex")).toBe("0000803f");
  });

  it.each([
    ["name", { ...INPUT, name: null }],
    ["shape", { ...INPUT, shape: null }],
    ["datatype", { ...INPUT, datatype: null }],
  ])("%s may not be", (_, input) => {
    expect(send(vm, request({}, input)).error).toContain("a member has the wrong type");
  });

  it("nor may inputs, or all of the body", () => {
    expect(send(vm, '{"inputs":null}').error).toContain("a member has the wrong type");
    expect(send(vm, "null").error).toContain("malformed JSON");
  });
});

describe("numbers among the parameters", () => {
  const parameter = (key: string, number: string) =>
    converted(`{"parameters":{"${key}":${number}},"inputs":[]}`).parameters[key];

  it.each([
    ["9007199254740991", { int64Param: 2 ** 53 - 1 }],
    ["9223372036854775808", { doubleParam: 2 ** 63 }],
    ["-9223372036854775809", { doubleParam: -(2 ** 63) }],
    ["18446744073709551616", { doubleParam: 2 ** 64 }],
  ])("%s is of int64 where that holds it, else a double", (number, wanted) => {
    expect(parameter("p", number)).toEqual(wanted);
  });

  it.each([
    ["7", 7],
    ["18446744073709551615", -1],
  ])("the sequence id %s keeps its bits", (number, int64Param) => {
    expect(parameter("sequence_id", number)).toEqual({ int64Param });
  });

  it.each(["-1", "1.5", "18446744073709551616"])("the sequence id %s is refused", (number) => {
    const { error } = send(vm, `{"parameters":{"sequence_id":${number}},"inputs":[]}`);
    expect(error).toContain("sequence_id must be an integer of 0 to 18446744073709551615, or a string");
  });
});

describe("the body", () => {
  it("is JSON where it is called octets and nothing says that it is a raw tensor", () => {
    const octets = { "content-type": "application/octet-stream", "content-length": "99" };
    expect(converted(request({}), octets).inputs[0]?.name).toBe("x");
    const named = send(vm, "abcd", undefined, undefined, { ...octets, "x-tensor-name": "x" });
    expect(named.error).toContain("a raw tensor needs");
  });

  it.each(["identity", "Identity", ""])("with content-encoding %j is not encoded", (encoding) => {
    expect(converted(request({}), { "content-encoding": encoding }).inputs).toHaveLength(1);
  });

  it.each(["gzip", "identity, gzip"])("with content-encoding %j is refused", (encoding) => {
    expect(open(vm, undefined, { "content-encoding": encoding }).reply?.status).toBe(415);
  });

  it("of which no byte is JSON is refused, with what to do", () => {
    const { reply } = open(vm, undefined, { "inference-header-content-length": "0" });
    expect(reply?.status).toBe(400);
    expect(reply?.body).toContain("x-tensor-name");
  });

  it.each([
    request({}, { ...INPUT, data: undefined, parameters: { shared_memory_region: "r" } }),
    request({ outputs: [{ name: "y", parameters: { shared_memory_region: "r" } }] }),
  ])("that names shared memory is refused, with why", (json) => {
    expect(send(vm, json).error).toContain("a gateway can't reach it");
  });
});

describe("accept", () => {
  const EVENTS = "text/event-stream";
  const LINES = "application/x-ndjson";
  it.each([
    [undefined, "one"],
    ["*/*", "one"],
    ["application/json", "one"],
    ["application/*", "one"],
    [EVENTS, EVENTS],
    ["Text/Event-Stream", EVENTS],
    ["text/*", EVENTS],
    [`${EVENTS};charset=utf-8`, EVENTS],
    [`application/json, ${EVENTS}`, EVENTS],
    [`application/json, ${EVENTS};q=0.9`, "one"],
    [`application/json;q=0.5 , ${EVENTS} ; Q=0.8`, EVENTS],
    [`${EVENTS};q=0`, "one"],
    [`${EVENTS};q=0, */*`, "one"],
    [`${EVENTS};q=0.5, ${LINES}`, LINES],
    [`${LINES}, */*`, LINES],
    [`${EVENTS}, ${LINES}`, EVENTS],
    [`${EVENTS}x`, "one"],
    ["image/png", "one"],
    ["", "one"],
    [";;,,q=", "one"],
  ])("%j is answered with %s", (accept, wanted) => {
    const stream = open(vm, undefined, accept === undefined ? {} : { accept });
    stream.sendRequestBody(Buffer.from('{"inputs":[]}'));
    const method = stream.header(":path")?.split("/").at(-1);
    expect(method).toBe(wanted === "one" ? "ModelInfer" : "ModelStreamInfer");
    stream.respond([...GRPC_HEADERS], Buffer.of(), undefined, false);
    const type = Object.fromEntries(stream.responseHeaders)["content-type"];
    if (wanted !== "one") expect(type).toBe(wanted);
    stream.close();
  });
});

describe("an error of the model", () => {
  const failed = (path: string, code: number, message?: string) => {
    const stream = open(vm, path);
    stream.sendRequestBody(Buffer.from(path.startsWith("/v1") ? '{"examples":[{}]}' : '{"inputs":[]}'));
    const said: [string, string][] = message === undefined ? [] : [["grpc-message", message]];
    stream.respond([...GRPC_HEADERS, ["grpc-status", `${code}`], ...said], Buffer.of());
    const { reply } = stream;
    stream.close();
    return { status: reply?.status, ...JSON.parse(reply?.body ?? "{}") };
  };

  it.each([
    ["CANCELLED", 1],
    ["UNKNOWN", 2],
    ["ALREADY_EXISTS", 6],
  ])("%s has the status that Triton's REST gives it", (_, code) => {
    const answer = failed("/v2/models/m/infer", code, "no");
    expect(answer).toEqual({ status: 400, error: "no", reason: `model_error_${code}` });
  });

  it.each([
    ["/v2/models/m/infer", undefined],
    ["/v2/models/m/infer", "Method not found!"],
    ["/v2/models/m/infer", "Method not found: inference.GRPCInferenceService/ModelInfer"],
    ["/v2/models/m/infer", "unknown method ModelInfer for service inference.GRPCInferenceService"],
    [
      "/v2/models/m/infer",
      "The server does not implement the method /inference.GRPCInferenceService/ModelInfer",
    ],
    ["/v2/models/m/infer", "Service is unimplemented."],
    ["/v1/models/m:classify", undefined],
    ["/v1/models/m/versions/1:regress", "unknown service tensorflow.serving.PredictionService"],
  ])("of a method that its server does not have says so (%s, %j)", (path, message) => {
    const answer = failed(path, 12, message);
    expect(answer).toMatchObject({ status: 404, reason: "path_unknown" });
    expect(answer.error).toContain("does not speak the protocol of this path");
  });

  it("of a model that does not do it keeps its status", () => {
    expect(failed("/v2/models/m/infer", 12, "no batches")).toMatchObject({
      status: 501,
      error: "no batches",
    });
  });
});
