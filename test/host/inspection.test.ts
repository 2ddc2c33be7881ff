import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Vm } from "../../tools/lib/host/vm.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";

/** Who may ask about a model server, and what no gateway passes. */

const digest = (key: string) => createHash("sha256").update(key).digest("hex");
const vm = new Vm(modulePath("tenant-auth"));
const credentials = [
  { id: "all", sha256: digest("all") },
  { id: "narrowed", sha256: digest("narrowed"), tasks: [{ task: "seen" }] },
  { id: "inspector", sha256: digest("inspector"), tasks: [{ task: "*", inspect: true }] },
];
const tasks = [
  { task: "seen", inspect: true },
  { task: "plain" },
  { task: "v", versions: ["v1"], inspect: true },
  { task: "v", versions: ["v2"] },
  { task: "by-prefix-*", inspect: true },
];
if (!vm.configure({ tenantAuth: { tenants: [{ tenant: "search", credentials, tasks }] } }))
  throw new Error(vm.logs.join("\n"));

function reason(path: string, taskid: string, more: Record<string, string> = {}): string | undefined {
  const stream = vm.open(
    { ":method": "POST", ":path": path, "x-api-key": "all", taskid, ...more },
    more[":method"] !== "POST",
  );
  const { reply } = stream;
  stream.close();
  return reply?.details;
}

const SERVICE = "/inference.GRPCInferenceService";
const INSPECTION = [
  "/v2/models/m/config",
  "/v2/models/m/versions/1/config",
  "/v2/models/m%20n/stats?x=/infer",
  "/v2/models/stats",
  "/v2/repository/index",
  "/v2/repository/index?a",
  `${SERVICE}/ModelConfig`,
  `${SERVICE}/ModelStatistics`,
  `${SERVICE}/RepositoryIndex`,
  "/inference.model_repository.ModelRepositoryService/RepositoryIndex",
];

describe.each(INSPECTION)("%s", (path) => {
  it("needs a grant that says so, of the tenant and of the credential", () => {
    expect(reason(path, "seen")).toBeUndefined();
    expect(reason(path, "by-prefix-1")).toBeUndefined();
    expect(reason(path, "plain")).toBe("inspection_forbidden");
    expect(reason(path, "seen", { "x-api-key": "narrowed" })).toBe("inspection_forbidden");
    expect(reason(path, "seen", { "x-api-key": "inspector" })).toBeUndefined();
    expect(reason(path, "plain", { "x-api-key": "inspector" })).toBe("inspection_forbidden");
    expect(reason(path, "other", { "x-api-key": "inspector" })).toBe("task_forbidden");
  });

  it("needs it for the version that is named", () => {
    expect(reason(path, "v", { version: "v1" })).toBeUndefined();
    expect(reason(path, "v", { version: "v2" })).toBe("inspection_forbidden");
    expect(reason(path, "v", { version: "v3" })).toBe("version_forbidden");
  });
});

it.each([
  "/v2",
  "/v2/models/m",
  "/v2/models/config",
  "/v2/models/m/ready",
  "/v2/models/m/infer?a=/config",
  "/v2/models/m/x/config",
  "/v1/models/m/config",
  "/config",
  "/stats",
  ...["ServerLive", "ServerReady", "ServerMetadata", "ModelReady", "ModelMetadata", "ModelInfer"].map(
    (method) => `${SERVICE}/${method}`,
  ),
  `${SERVICE}/ModelStreamInfer`,
  "/tensorflow.serving.ModelService/GetModelStatus",
  "/tensorflow.serving.PredictionService/Predict",
  "/grpc.health.v1.Health/Check",
])("%s needs no more than the task", (path) => {
  expect(reason(path, "plain")).toBeUndefined();
});

it.each([
  ...["RepositoryModelLoad", "RepositoryModelUnload", "SystemSharedMemoryRegister", "TraceSetting"].map(
    (method) => `${SERVICE}/${method}`,
  ),
  `${SERVICE}/LogSettings`,
  `${SERVICE}/CudaSharedMemoryStatus`,
  `${SERVICE}/ModelInfer2`,
  `${SERVICE}/`,
  "/inference.model_repository.ModelRepositoryService/ModelUnload",
  "/tensorflow.serving.ModelService/HandleReloadConfigRequest",
])("%s is not passed, whatever is granted", (path) => {
  const stream = vm.open(
    {
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      "x-api-key": "all",
      taskid: "seen",
    },
    false,
  );
  expect(stream.reply).toMatchObject({ details: "management_not_passed", grpcStatus: 12 });
  stream.close();
});
