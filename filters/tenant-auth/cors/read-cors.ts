import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { Config, isHeaderName } from "../../sdk/pipeline/config";
import { Cors } from "./cors";
import { CorsPolicy } from "./cors-policy";

/** tools/api/cors.ts has the same. */
const METHODS: string[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
const DEFAULT_METHODS = "GET, HEAD, POST";
/** Longer than any browser remembers. */
const MOST_SECONDS: f64 = 86_400;

/** Reads `cors`: a policy for all tasks, and those of tasks that have their own. @returns null without it */
export function readCors(config: Config | null): Cors | null {
  if (config == null) return null;
  const cors = new Cors(config.has("origins") ? readPolicy(config) : null);
  const tasks = config.objects("tasks");
  for (let i = 0; i < tasks.length; i++) {
    const taskid = tasks[i].text("taskid");
    if (!cors.add(bytes(taskid), readPolicy(tasks[i]))) tasks[i].fault("taskid", `${taskid} is there twice`);
    tasks[i].finish();
  }
  if (!config.has("origins") && tasks.length == 0) config.fault("origins", "or tasks is required");
  config.finish();
  return cors;
}

function readPolicy(config: Config): CorsPolicy {
  const texts = config.texts("origins");
  const credentials = config.flag("credentials", false);
  const origins: Bytes[] = [];
  for (let i = 0; i < texts.length; i++) {
    const text = texts[i];
    const name = `origins[${i.toString()}]`;
    if (text == "*" && credentials) config.fault(name, "must not be * where credentials are allowed");
    const star = text.indexOf("*");
    if (star >= 0 && text != "*" && (text.lastIndexOf("*") != star || !text.includes("://*.")))
      config.fault(name, "must be exact, *, or such as https://*.example.com");
    origins.push(bytes(text));
  }
  if (origins.length == 0) config.fault("origins", "is required");
  const methods = config.texts("methods");
  for (let i = 0; i < methods.length; i++)
    if (!METHODS.includes(methods[i]))
      config.fault(`methods[${i.toString()}]`, `must be one of ${METHODS.join(", ")}`);
  if (config.has("methods") && methods.length == 0) config.fault("methods", "must not be empty");
  const headers = config.has("headers") ? readHeaders(config) : null;
  const seconds = config.number("maxAgeSeconds", 600, 0);
  return new CorsPolicy(
    origins,
    bytes(methods.length > 0 ? methods.join(", ") : DEFAULT_METHODS),
    headers,
    credentials,
    <u32>min(seconds, MOST_SECONDS),
  );
}

/** They become one header of the answer to a preflight: nothing but names may be in it. */
function readHeaders(config: Config): Bytes {
  const names = config.texts("headers");
  for (let i = 0; i < names.length; i++)
    if (!isHeaderName(names[i].toLowerCase()))
      config.fault(`headers[${i.toString()}]`, "must be the name of a header");
  if (names.length == 0) config.fault("headers", "must not be empty");
  return bytes(names.join(", "));
}
