import { bytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { NameTable } from "../sdk/bytes/name-table";
import { Config } from "../sdk/pipeline/config";
import { Concurrency } from "./concurrency";
import { Cost } from "./cost";
import { Exempt } from "./exempt";
import { KeyedLimit } from "./keyed-limit";
import { Limit, Mode } from "./limit";
import { NamedLimit } from "./named-limit";
import { readTemplate } from "./path-template";
import { RateLimited } from "./rate-limited";
import { DAY, HOUR, MINUTE, MONTH, SECOND } from "./token-bucket";
import { VmRegistry } from "./vm-registry";

/** The slowest rate of a window: tools/api/fields.ts and the controller have the same. */
const LOWEST_RATE: f64 = 0.001;
const MOST_KEYS: f64 = 65_536;
const MOST_IN_FLIGHT: f64 = 1_000_000;

/** Reads the limits of tasks, tenants or credentials: objects with their name in the field `nameField`. */
export function readNamed(
  table: NameTable<NamedLimit>,
  limits: Config[],
  nameField: string,
  reply: RateLimited,
  registry: VmRegistry,
): void {
  for (let i = 0; i < limits.length; i++) {
    const config = limits[i];
    const name = config.text(nameField);
    const limit = new NamedLimit(nameField, bytes(name), reply);
    const task = nameField == "taskid";
    readLimit(limit, config, task);
    limit.configured();
    if (task) limit.concurrency = readConcurrency(name, config, registry);
    config.finish();
    if (!table.add(limit.name, limit)) config.fault(nameField, `${name} has a limit already`);
  }
}

/** Reads limits for each value of a header or path. */
export function readKeyed(limits: Config[]): KeyedLimit[] {
  const all: KeyedLimit[] = [];
  for (let i = 0; i < limits.length; i++) {
    const config = limits[i];
    const name = config.text("name");
    if (!isQuotable(name)) config.fault("name", "must be printable ASCII without quotes and backslashes");
    const reply = new RateLimited(name, "descriptor_rate_limited", `over the request rate of ${name}`);
    const byHeader = config.has("header");
    if (byHeader == config.has("path")) config.fault("header", "or path is required, and not both");
    const header = byHeader ? bytes(config.headerName("header")) : null;
    const path = config.has("path") ? readTemplate(config, "path", config.text("path")) : null;
    const most = config.number("maxKeys", 4096, 1);
    if (most > MOST_KEYS) config.fault("maxKeys", "must be at most 65536");
    const limit = new KeyedLimit(name, reply, header, path, <i32>min(most, MOST_KEYS));
    readLimit(limit, config, false);
    for (let other = 0; other < all.length; other++) {
      if (all[other].name.equals(limit.name.ptr, limit.name.len))
        config.fault("name", `${name} is there already`);
    }
    config.finish();
    all.push(limit);
  }
  return all;
}

/** Can it stand between quotes in a structured field (RFC 9651, section 3.3.3), as it is? */
function isQuotable(name: string): bool {
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i);
    if (c < <i32>Char.SPACE || c > <i32>Char.TILDE || c == Char.QUOTE || c == Char.BACKSLASH) return false;
  }
  return true;
}

/** @param alone may it stand without a rate, for the controller to set one? */
function readLimit(limit: Limit, config: Config, alone: bool): void {
  readWindow(limit, config, SECOND, "requestsPerSecond", "burst");
  readWindow(limit, config, MINUTE, "requestsPerMinute", "burstPerMinute");
  readWindow(limit, config, HOUR, "requestsPerHour", "burstPerHour");
  readCalendarWindow(limit, config, DAY, "requestsPerDay");
  readCalendarWindow(limit, config, MONTH, "requestsPerMonth");
  const others =
    alone && (config.has("maxInFlight") || config.has("adaptiveConcurrency") || config.has("mode"));
  if (!limit.windows.any && !others) config.fault("requestsPerSecond", "is required");
  limit.cost = Cost.read(config);
  limit.exempt = Exempt.read(config);
  limit.mode = readMode(config);
  limit.share(1);
}

function readWindow(limit: Limit, config: Config, window: i32, rateField: string, burstField: string): void {
  const rate = config.number(rateField, 0, LOWEST_RATE);
  const burst = config.number(burstField, Math.ceil(rate), LOWEST_RATE);
  // A bucket without room for a request would let none through.
  if (config.has(rateField)) limit.windows.set(window, rate, max(1, Math.floor(burst)));
  else if (config.has(burstField)) config.fault(burstField, `needs ${rateField}`);
}

/** Of a day or a month all may come at once, so there is no burst. */
function readCalendarWindow(limit: Limit, config: Config, window: i32, field: string): void {
  const requests = Math.floor(config.number(field, 1, 1));
  if (config.has(field)) limit.windows.set(window, requests, requests);
}

/** Reads `mode`; absent: enforce. */
export function readMode(config: Config): Mode {
  if (!config.has("mode")) return Mode.Enforce;
  const mode = config.text("mode");
  if (mode == "dryRun") return Mode.DryRun;
  if (mode == "off") return Mode.Off;
  if (mode != "enforce") config.fault("mode", "must be enforce, dryRun or off");
  return Mode.Enforce;
}

function readConcurrency(name: string, config: Config, registry: VmRegistry): Concurrency | null {
  const cap = config.number("maxInFlight", -1, 1);
  const adaptive = config.object("adaptiveConcurrency");
  if (!config.has("maxInFlight") && adaptive == null) return null;
  const concurrency = new Concurrency(name, registry);
  if (cap > MOST_IN_FLIGHT) config.fault("maxInFlight", "must be at most 1000000");
  concurrency.configure(<i32>min(cap, MOST_IN_FLIGHT));
  if (adaptive != null) {
    const least = adaptive.number("min", 4, 1);
    const most = adaptive.number("max", 200, 1);
    const initial = adaptive.number("initial", min(max(20, least), most), 1);
    if (least > most || initial < least || initial > most)
      adaptive.fault("initial", "must lie between min and max");
    adaptive.finish();
    concurrency.adapt(least, initial, most);
  }
  return concurrency;
}
