import { digestOf, KEY } from "../../support/auth.ts";
import type { Random } from "../../support/mutate.ts";
import { FuzzedFilter } from "../filter.ts";
import { anyText, mutateJson, parsed } from "../generate/json.ts";
import { check, type Target } from "../target.ts";

/** Calls to language models, of which another filter has read the model: which task they are for. */

const TASKS = [
  { taskid: "llm", models: ["llm", "vendor/llm"], versions: ["v1", "v2"], cluster: "a", basePath: "/v1" },
  {
    taskid: "own",
    models: ["own", "own:v1"],
    versions: ["v1"],
    cluster: "b",
    basePath: "/o/v1",
    apiKey: "sk",
  },
  { taskid: "grpc", models: ["grpc"], cluster: "c" },
];
const CONFIG = {
  tenantAuth: {
    languageModels: TASKS,
    tenants: [
      { tenant: "search", credentials: [{ id: "all", sha256: digestOf(KEY) }], tasks: [{ task: "*" }] },
    ],
  },
};
const BODY_PATHS = ["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses"];
const PATHS = [
  ...BODY_PATHS,
  "/v1/models",
  "/v1/models/llm",
  "/v1/models/vendor%2fllm",
  "/v1/files",
  "/other",
];
const NAMES = ["llm", "vendor/llm", "own", "own:v1", "grpc", "llm:v1", "llm:v9", "own:v1:v1", ":v1", ""];

/** A call, as its input has it. */
interface Call {
  method: string;
  path: string;
  taskid?: string;
  version?: string;
  /** What the filter in front found: a fault's number and the model's name. */
  fault?: number;
  model?: string;
}

function call(random: Random): Call {
  const is = () => random.below(4) === 0;
  return {
    method: is() ? random.pick(["GET", "HEAD", "PUT"]) : "POST",
    path: random.pick(PATHS),
    ...(is() && { taskid: random.pick([...NAMES, "666"]) }),
    ...(is() && { version: random.pick(["v1", "v2", "v9"]) }),
    ...(random.below(8) && {
      fault: is() ? random.below(12) : 0,
      model: is() ? anyText(random) : random.pick(NAMES),
    }),
  };
}

/** The call of an input; undefined for what is none. */
function callOf(input: Buffer): Call | undefined {
  const value = parsed(input)?.value as Partial<Call> | undefined;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { method, path, taskid, version, fault, model } = value;
  const isHeader = (each: unknown) => typeof each === "string" && /^[\x20-\x7e]*$/.test(each);
  if (!isHeader(method) || !isHeader(path) || !method || !path?.startsWith("/")) return undefined;
  if (![taskid, version].every((each) => each === undefined || isHeader(each))) return undefined;
  if (fault !== undefined && !(Number.isInteger(fault) && fault >= 0 && fault < 256)) return undefined;
  return model === undefined || typeof model === "string" ? (value as Call) : undefined;
}

/** The task and the version that a name means; undefined: none. */
function meant(name: string): { taskid: string; version?: string } | undefined {
  const whole = TASKS.find(({ models }) => models.includes(name));
  if (whole) return { taskid: whole.taskid };
  const colon = name.lastIndexOf(":");
  const task = TASKS.find(({ models }) => colon >= 0 && models.includes(name.slice(0, colon)));
  const version = name.slice(colon + 1);
  return task?.versions?.includes(version) ? { taskid: task.taskid, version } : undefined;
}

const calledModel: Target = {
  name: "called-model",
  about: "a call to a language model: it is for the task of the model in its body, or refused",
  async open() {
    const filter = await FuzzedFilter.start("tenant-auth", CONFIG);
    const send = ({ method, path, taskid, version, fault, model }: Call) => {
      const headers: [string, string][] = [
        [":method", method],
        [":path", path],
        [":authority", "a.example"],
        ["authorization", `Bearer ${KEY}`],
        ...(taskid === undefined ? [] : [["taskid", taskid] as [string, string]]),
        ...(version === undefined ? [] : [["version", version] as [string, string]]),
      ];
      const read = Buffer.concat([Buffer.of(fault ?? 0), Buffer.from(model ?? "")]).toString("latin1");
      const state: Record<string, string> = fault === undefined ? {} : { "modelgate.model": read };
      const stream = filter.vm.open(headers, false, state);
      stream.close();
      return stream;
    };
    return {
      modules: [filter.counted],
      generate: (random) => Buffer.from(JSON.stringify(call(random))),
      mutate: (one, two, random) =>
        Buffer.from(
          mutateJson(
            one.toString("latin1"),
            two.toString("latin1"),
            random,
            [...PATHS, ...NAMES].map((each) => JSON.stringify(each)),
          ),
          "latin1",
        ),
      run(input) {
        const given = callOf(input);
        if (given === undefined) return undefined;
        filter.begin(input.length + 1000);
        const { reply, requestHeaders } = send(given);
        if (reply) JSON.parse(reply.body || "{}");
        const isCall = given.method === "POST" && BODY_PATHS.includes(given.path);
        const isOther = given.taskid !== undefined && !TASKS.some(({ taskid }) => taskid === given.taskid);
        if (!isCall || isOther) return undefined;
        const task = given.fault === 0 ? meant(given.model ?? "") : undefined;
        const agrees =
          (given.taskid === undefined || given.taskid === task?.taskid) &&
          (given.version === undefined || task?.version === undefined || given.version === task.version);
        check((reply === undefined) === (task !== undefined && agrees), () => `${reply?.details ?? "taken"}`);
        if (reply) return undefined;
        const header = (name: string) =>
          requestHeaders.filter(([each]) => each === name).map(([, value]) => value);
        check(header("taskid").join() === task?.taskid, () => `it is for ${header("taskid")}`);
        const version = task?.version ?? given.version ?? "";
        check(header("version").join() === version, () => `it is for the version ${header("version")}`);
        const key = task?.taskid === "own" ? "Bearer sk" : "";
        check(header("authorization").join() === key, "it brings another key than the model server's");
        return undefined;
      },
    };
  },
};

export const calledModels: readonly Target[] = [calledModel];
