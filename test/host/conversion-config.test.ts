import { beforeAll, expect, it } from "vitest";
import { modelTask } from "../../tools/api/model-task.ts";
import { conversionConfig } from "../../tools/cluster/istio/conversion-config.ts";
import { Vm } from "../../tools/lib/host/vm.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { frame, GRPC_HEADERS, ModelInferResponse } from "../support/conversion.ts";

/** What ModelTasks say of conversion, rendered and taken by the real filter. */

function task(taskid: string, conversion: object) {
  return modelTask.parse({
    apiVersion: "modelgate.dev/v1alpha1",
    kind: "ModelTask",
    metadata: { name: `t${taskid}`, namespace: "models" },
    spec: { taskid, tenant: "search", service: { name: "s" }, conversion },
  });
}

const signatures = [{ inputs: [{ name: "x", dtype: "DT_FLOAT" }] }];
const raw = { name: "x", datatype: "FP32", shape: [-1, 2] };
const config = conversionConfig([
  task("plain", {}),
  task("token", { nonFinite: "token", maxRequestBytes: 100, maxResponseBytes: 60 }),
  task("raw", { raw, binaryHeaderBytes: 512 }),
  task("serving", { protocol: "tensorflowServing", signatures, raw }),
  task("none", { protocol: "none" }),
  task("own", { converter: `oci://r.example/c@sha256:${"a".repeat(64)}` }),
]);

let vm: Vm;
beforeAll(() => {
  vm = new Vm(modulePath("protocol-conversion"));
  expect(vm.configure({ protocolConversion: config }), vm.logs.at(-1)).toBe(true);
});

const BODY = JSON.stringify({ inputs: [{ name: "x", datatype: "FP32", shape: [1], data: [1] }] });

function send(
  taskid: string,
  body: string,
  path = "/v2/models/m/infer",
  headers: Record<string, string> = {},
) {
  const stream = vm.open({ ":method": "POST", ":path": path, taskid, ...headers });
  const sent = stream.reply ? Buffer.of() : Buffer.from(stream.sendRequestBody(Buffer.from(body)));
  return { stream, sent };
}

function replyTo(taskid: string, floats: number[]): string {
  const { stream } = send(taskid, BODY);
  const outputs = [{ name: "y", datatype: "FP32", shape: [floats.length] }];
  const rawOutputContents = [Buffer.from(Float32Array.from(floats).buffer)];
  const message = ModelInferResponse.encode(
    ModelInferResponse.fromObject({ outputs, rawOutputContents }),
  ).finish();
  const body = Buffer.from(stream.respond([...GRPC_HEADERS], frame(message))).toString();
  stream.close();
  return stream.reply ? stream.reply.details : JSON.stringify(/"data":(.*)}]}/.exec(body)?.[1]);
}

it("names the tasks that the filter converts", () => {
  const { tasks } = config as { tasks: { taskid: string }[] };
  expect(tasks.map(({ taskid }) => taskid)).toEqual(["plain", "token", "raw", "serving"]);
  expect(tasks[3]).toEqual({
    taskid: "serving",
    signatures: [{ name: "serving_default", inputs: [{ name: "x", dtype: "DT_FLOAT" }], outputs: [] }],
    raw,
  });
});

it("gives each task its own policy of NaN", () => {
  expect(replyTo("plain", [Number.NaN])).toBe(JSON.stringify('["NaN"]'));
  expect(replyTo("token", [Number.NaN])).toBe('"[NaN]"');
});

it("gives each task its own limits", () => {
  const long = BODY + " ".repeat(100);
  expect(send("plain", long).stream.reply).toBeUndefined();
  expect(send("token", long).stream.reply?.details).toBe("body_too_large");
  const many = Array.from({ length: 20 }, () => 1);
  expect(replyTo("plain", many)).toContain("1.0");
  expect(replyTo("token", many)).toBe("model_reply_malformed");
});

it("gives binary replies the room that the task says", () => {
  const wanted = JSON.stringify({ ...JSON.parse(BODY), parameters: { binary_data_output: true } });
  const length = (taskid: string) => {
    const { stream } = send(taskid, wanted);
    stream.respond([...GRPC_HEADERS], frame(new Uint8Array()));
    stream.close();
    return Object.fromEntries(stream.responseHeaders)["inference-header-content-length"];
  };
  expect([length("plain"), length("raw")]).toEqual(["65536", "512"]);
});

it.each([1_048_577, 1e300])(
  "refuses room of %d bytes for the JSON of binary replies",
  (binaryHeaderBytes) => {
    const other = new Vm(modulePath("protocol-conversion"));
    expect(other.configure({ protocolConversion: { binaryHeaderBytes } })).toBe(false);
    expect(other.logs.at(-1)).toContain("protocolConversion.binaryHeaderBytes: must be at most 1048576");
  },
);

it.each([
  ["raw", "/v2/models/m/infer"],
  ["serving", "/v1/models/m:predict"],
])("knows what raw bytes of task %s are", (taskid, path) => {
  const headers = { "content-type": "application/octet-stream", "content-length": "16" };
  const { stream, sent } = send(taskid, "0123456789abcdef", path, headers);
  expect(stream.reply).toBeUndefined();
  expect(sent.toString("latin1")).toContain("0123456789abcdef");
  stream.close();
});

it("knows the signatures of a task", () => {
  const { stream, sent } = send("serving", '{"instances":[[1,2]]}', "/v1/models/m:predict");
  expect(stream.reply).toBeUndefined();
  expect(sent.toString("latin1")).toContain("serving_default");
  stream.close();
});

it("takes the last of two tasks with one id", () => {
  const twice = new Vm(modulePath("protocol-conversion"));
  const tasks = [
    { taskid: "same", maxRequestBytes: 10 },
    { taskid: "other" },
    { taskid: "same", maxRequestBytes: 1000 },
    { taskid: "other", maxRequestBytes: 10 },
  ];
  expect(twice.configure({ protocolConversion: { tasks } }), twice.logs.at(-1)).toBe(true);
  const refused = (taskid: string) => {
    const stream = twice.open({ ":method": "POST", ":path": "/v2/models/m/infer", taskid });
    stream.sendRequestBody(Buffer.from(BODY));
    stream.close();
    return stream.reply?.details;
  };
  expect(refused("same")).toBeUndefined();
  expect(refused("other")).toBe("body_too_large");
});
