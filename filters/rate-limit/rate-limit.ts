import { Action, CONTINUE, STOP } from "../sdk/abi";
import { bytes } from "../sdk/bytes";
import { monotonicNanos } from "../sdk/clock";
import { Config } from "../sdk/config";
import { Slice } from "../sdk/headers";
import { HttpContext } from "../sdk/http-context";
import { LocalReply } from "../sdk/local-reply";
import { Stage } from "../sdk/stage";
import { Bucket } from "./bucket";
import { BucketTable } from "./bucket-table";

/** Rates are at least one request a second, so a token comes within one. */
const RETRY_AFTER = "retry-after";
const TASK_LIMITED = new LocalReply(429, 8, "task_rate_limited", "the task is over its request rate");
const TENANT_LIMITED = new LocalReply(429, 8, "tenant_rate_limited", "the tenant is over its request rate");
TASK_LIMITED.withHeader(RETRY_AFTER, "1");
TENANT_LIMITED.withHeader(RETRY_AFTER, "1");

const tenant: Slice = new Slice();

/** Token buckets per task and per tenant; a request needs a token of each limit that is configured for it. */
export class RateLimit extends Stage {
  private tasks: BucketTable = new BucketTable(0);
  private tenants: BucketTable = new BucketTable(0);

  get key(): string {
    return "rateLimit";
  }

  configure(config: Config): void {
    this.tasks = readBuckets(config.objects("tasks"), "taskid");
    this.tenants = readBuckets(config.objects("tenants"), "tenant");
  }

  onRequestHeaders(http: HttpContext, endOfStream: bool): Action {
    const task = this.tasks.find(http.taskid.ptr, http.taskid.len);
    http.findTenant(tenant);
    const ofTenant = this.tenants.find(tenant.ptr, tenant.len);
    if (task == null && ofTenant == null) return CONTINUE;
    const now = monotonicNanos();
    if (ofTenant != null && !ofTenant.take(now)) {
      http.refuse(TENANT_LIMITED);
      return STOP;
    }
    if (task != null && !task.take(now)) {
      if (ofTenant != null) ofTenant.giveBack();
      http.refuse(TASK_LIMITED);
      return STOP;
    }
    return CONTINUE;
  }
}

function readBuckets(limits: Config[], nameField: string): BucketTable {
  const table = new BucketTable(limits.length);
  for (let i = 0; i < limits.length; i++) {
    const limit = limits[i];
    const name = limit.text(nameField);
    const rate = limit.number("requestsPerSecond", 0, 1);
    if (!limit.has("requestsPerSecond")) limit.fault("requestsPerSecond", "is required");
    const burst = limit.number("burst", Math.ceil(rate), 1);
    limit.finish();
    const bucket = new Bucket(bytes(name), nameField, name, max<f64>(rate, 1), <u64>burst);
    if (!table.add(bucket)) limit.fault(nameField, `${name} has a limit already`);
  }
  return table;
}
