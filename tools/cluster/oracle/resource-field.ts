import type { Limits } from "../../api/limits.ts";
import { hasConverter, type ModelTask } from "../../api/model-task.ts";
import type { Tenant } from "../../api/tenant.ts";
import { isTimed } from "../istio/streams-config.ts";
import { isServed } from "../istio/tenant-auth-config.ts";

/** Where in a Tenant or one of its ModelTasks something stands. */
interface ResourceField {
  /** Index of the task; undefined: the Tenant. */
  task?: number;
  path: PropertyKey[];
}

/**
 * The field of the Tenant or ModelTask that a field of the plug-in configuration comes from, as pluginConfig
 * makes it.
 * @returns undefined for one that comes from no resource
 */
export function resourceField(
  tenant: Tenant,
  tasks: ModelTask[],
  path: PropertyKey[],
): ResourceField | undefined {
  const [stage, ...rest] = path;
  switch (stage) {
    case "tenantAuth":
      return ofTenantAuth(tenant, tasks, rest);
    case "streams":
      return ofTask(tasks, isTimed, rest, () => ["stream", "timeout"]);
    case "rateLimit":
      return ofRateLimit(tenant, tasks, rest);
    case "decompression":
      return inTenant("compression", "requests", ...rest);
    case "protocolConversion":
      return ofTask(tasks, isConverted, rest, (fields) => ["conversion", ...fields]);
    case "accessLog":
      return inTenant("gateway", "tuning", "accessLog", ...ofAccessLog(rest));
    default:
      return undefined;
  }
}

function ofTenantAuth(tenant: Tenant, tasks: ModelTask[], path: PropertyKey[]): ResourceField | undefined {
  const [field, index, ...rest] = path;
  if (field === "tasks")
    return ofTask(
      tasks,
      ({ spec }) => spec.mode !== undefined,
      path,
      (fields) => fields,
    );
  if (field === "cors" && index === "tasks")
    return ofTask(
      tasks,
      ({ spec }) => spec.cors !== undefined,
      [index, ...rest],
      (fields) => ["cors", ...fields],
    );
  if (field === "languageModels")
    return ofTask(tasks, ({ spec }) => spec.protocol === "openai", path, ofLanguageModel);
  if (field === "issuers") return inTenant("jwtIssuers", Number(index), ...ofIssuer(rest));
  if (field !== "tenants") return inTenant(...path);
  const [of, number, ...more] = rest;
  if (of === "credentials") {
    const served = tenant.spec.credentials.flatMap((each, at) => (isServed(each) ? [at] : []));
    const credential = served[Number(number)];
    return credential === undefined ? inTenant(of) : inTenant(of, credential, ...ofCredential(more));
  }
  return of === "tenant" ? { path: ["metadata", "name"] } : inTenant(...rest);
}

function ofLanguageModel([field, ...rest]: PropertyKey[]): PropertyKey[] {
  switch (field) {
    case "taskid":
      return [field];
    case "versions":
      return [field, ...rest, ...(rest.length > 0 ? ["name"] : [])];
    case "streamTimeoutMilliseconds":
      return ["stream", "timeout"];
    case "apiKey":
    case "sealedApiKey":
      return ["openai", "apiKeySecret"];
    default:
      return ["openai", ...defined(field), ...rest];
  }
}

const ISSUER_FIELDS: Record<string, PropertyKey[]> = {
  subjectClaim: ["claims", "credential"],
  tenantClaim: ["claims", "tenant"],
  tasksClaim: ["claims", "tasks"],
};

function ofIssuer([field, part, ...rest]: PropertyKey[]): PropertyKey[] {
  // Its text is one field.
  if (field === "jwks") return ["jwks"];
  if (field === "remoteJwks")
    return [part === "cluster" ? "cluster" : part === "refreshSeconds" ? "refresh" : "jwksUri"];
  return field === undefined ? [] : (ISSUER_FIELDS[String(field)] ?? [field, ...defined(part), ...rest]);
}

function ofCredential([field, part, ...rest]: PropertyKey[]): PropertyKey[] {
  if (field === "secret") return ["secretRef"];
  if (field === "token" || field === "certificate") return part === undefined ? [] : [nameOf(part)];
  return field === undefined ? [] : [field, ...defined(part), ...rest];
}

function nameOf(part: PropertyKey): PropertyKey {
  return part === "issuer" || part === "sha256" ? part : "subject";
}

const WINDOWS: Record<string, string> = {
  requestsPerMinute: "minute",
  requestsPerHour: "hour",
  requestsPerDay: "day",
  requestsPerMonth: "month",
};

/** @param fields of a limit of the stage */
function ofLimit({ windows = [] }: Limits, fields: PropertyKey[]): PropertyKey[] {
  const window = windows.findIndex(({ per }) => per === WINDOWS[String(fields[0])]);
  return window < 0 ? fields : ["windows", window, "requests"];
}

function ofRateLimit(tenant: Tenant, tasks: ModelTask[], path: PropertyKey[]): ResourceField | undefined {
  const [field, index, ...rest] = path;
  if (field === "tasks") {
    const limited = tasks.flatMap(({ spec }, at) => (spec.limits ? [at] : []));
    const task = limited[Number(index)];
    if (task === undefined) return undefined;
    const [own] = rest;
    if (own === "taskid" || own === "mode") return { task, path: ["spec", own] };
    return { task, path: ["spec", "limits", ...ofLimit(tasks[task]?.spec.limits ?? {}, rest)] };
  }
  if (field === "tenants") return inTenant("limits", ...ofLimit(tenant.spec.limits ?? {}, rest));
  if (field === "queue") return inTenant("queue", ...defined(index), ...rest);
  if (field === "descriptors") {
    const limits = tenant.spec.descriptors[Number(index)];
    return inTenant("descriptors", ...defined(index), ...(limits ? ofLimit(limits, rest) : rest));
  }
  if (field !== "priority") return undefined;
  return inTenant("priorities", ...ofPriority([...defined(index), ...rest]));
}

function ofPriority([field, index, part]: PropertyKey[]): PropertyKey[] {
  if (field !== "classes" || index === undefined) return defined(field);
  const own: Record<string, string> = { class: "name", share: "reservedPercent" };
  return [field, index, ...defined(own[String(part)])];
}

const LOG_FIELDS: Record<string, PropertyKey[]> = {
  redactedParameters: ["redact", "queryParameters"],
  redactedHeaders: ["redact", "headers"],
  redactedPaths: ["redact", "paths"],
  timeoutMilliseconds: ["timeout"],
  slowerThanMilliseconds: ["slowerThan"],
  token: ["tokenSecret"],
};

function ofAccessLog(path: PropertyKey[]): PropertyKey[] {
  const fields = path.flatMap((field) => LOG_FIELDS[String(field)] ?? [field]);
  const sample = fields.indexOf("sample");
  return sample > 0 ? fields.slice(sample) : fields;
}

/** @param path `tasks`, the index among the tasks that the stage knows, and the field there */
function ofTask(
  tasks: ModelTask[],
  isKnown: (task: ModelTask) => boolean,
  [, index, ...rest]: PropertyKey[],
  inSpec: (fields: PropertyKey[]) => PropertyKey[],
): ResourceField | undefined {
  const known = tasks.flatMap((task, at) => (isKnown(task) ? [at] : []));
  const task = known[Number(index)];
  if (task === undefined) return undefined;
  return { task, path: ["spec", ...(rest[0] === "taskid" ? rest : inSpec(rest))] };
}

function isConverted(task: ModelTask): boolean {
  return task.spec.conversion.protocol !== "none" && !hasConverter(task);
}

function inTenant(...path: PropertyKey[]): ResourceField {
  return { path: ["spec", ...path] };
}

function defined(part: PropertyKey | undefined): PropertyKey[] {
  return part === undefined ? [] : [part];
}
