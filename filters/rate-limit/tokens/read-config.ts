import { bytes } from "../../sdk/bytes/bytes";
import { NameTable } from "../../sdk/bytes/name-table";
import { Config } from "../../sdk/pipeline/config";
import { readMode } from "../limits-config";
import { NamedLimit } from "../named-limit";
import { TASK_TOKENS_LIMITED, TENANT_TOKENS_LIMITED } from "../replies";
import { SECOND } from "../token-bucket";
import { readLastEvent } from "./last-event";
import { TokenTask } from "./token-task";
import { TokenWeights } from "./token-weights";

/** The slowest rate: tools/api/fields.ts has the same. */
const LOWEST_RATE: f64 = 0.001;
/** As tools/api/token-limits.ts has it. */
const MOST_TOKENS: f64 = 1_000_000_000;
const DEFAULT_MAX_TOKENS: f64 = 1024;

/** Reads the language models whose tokens are counted, and their limits. */
export function readTasks(
  configs: Config[],
  tasks: NameTable<TokenTask>,
  limits: NameTable<NamedLimit>,
): void {
  for (let i = 0; i < configs.length; i++) {
    const config = configs[i];
    const taskid = config.text("taskid");
    const limit = new NamedLimit("tokens.taskid", bytes(taskid), TASK_TOKENS_LIMITED);
    readRate(config, limit);
    const most = wholeNumber(config, "defaultMaxTokens", DEFAULT_MAX_TOKENS);
    const task = new TokenTask(limit, TokenWeights.read(config), most);
    config.finish();
    limits.add(limit.name, limit);
    if (!tasks.add(limit.name, task)) config.fault("taskid", `${taskid} is there twice`);
  }
}

/** Reads the limits of tenants. */
export function readTenants(configs: Config[], tenants: NameTable<NamedLimit>): void {
  for (let i = 0; i < configs.length; i++) {
    const config = configs[i];
    const tenant = config.text("tenant");
    const limit = new NamedLimit("tokens.tenant", bytes(tenant), TENANT_TOKENS_LIMITED);
    if (!readRate(config, limit)) config.fault("tokensPerSecond", "is required");
    config.finish();
    if (!tenants.add(limit.name, limit)) config.fault("tenant", `${tenant} is there twice`);
  }
}

/** @returns whether there is one */
function readRate(config: Config, limit: NamedLimit): bool {
  const rate = config.number("tokensPerSecond", 0, LOWEST_RATE);
  if (rate > MOST_TOKENS) config.fault("tokensPerSecond", "must be at most 1000000000");
  const burst = wholeNumber(config, "burst", Math.ceil(rate));
  limit.mode = readMode(config);
  limit.lastEvent = readLastEvent(config);
  if (!config.has("tokensPerSecond")) {
    if (config.has("burst")) config.fault("burst", "needs tokensPerSecond");
    return false;
  }
  limit.windows.set(SECOND, rate, max(1, burst));
  limit.configured();
  limit.share(1);
  return true;
}

/** @returns a number from 1 to MOST_TOKENS */
function wholeNumber(config: Config, field: string, fallback: f64): f64 {
  const number = config.number(field, fallback, 1);
  if (number > MOST_TOKENS) config.fault(field, "must be at most 1000000000");
  if (number != Math.floor(number)) config.fault(field, "must be a whole number");
  return number;
}
