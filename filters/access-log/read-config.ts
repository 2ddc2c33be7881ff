import { Bytes, bytes } from "../sdk/bytes/bytes";
import { podName } from "../sdk/host/pod-name";
import { Config } from "../sdk/pipeline/config";
import { FIELD_NAMES, FIRST_OF_MODEL_CALL, Field, headerOf, LAST_OF_ENVOY } from "./fields";
import { JsonFragment } from "./json-line";
import { LineWriter } from "./line-writer";
import { LogSender } from "./log-sender";
import { Member } from "./member";
import { PathPattern } from "./path-pattern";
import { Sampling } from "./sampling";

const LARGEST_VALUE: i32 = 8192;
const SMALLEST_VALUE: i32 = 64;
const START_TIME = FIELD_NAMES[Field.StartTime];
/**
 * What the collector tells lines apart by and computes metrics from; tools/api/access-log-settings.ts has the
 * same.
 */
const COLLECTED: Field[] = [
  Field.StartTime,
  Field.Duration,
  Field.ResponseCode,
  Field.GrpcStatus,
  Field.Hostname,
  Field.RequestId,
];

/** What the stage was configured to do. */
export class Settings {
  /** In the order of the line. */
  members: StaticArray<Member> = new StaticArray<Member>(0);
  /** Those behind them, of calls to language models. */
  modelMembers: StaticArray<Member> = new StaticArray<Member>(0);
  /** Parameters that no line shows, and paths of which no line shows all. */
  redactedParameters: Bytes[] = [];
  redactedPaths: PathPattern[] = [];
  gateway: Bytes = bytes("");
  /** The pod, for lines that Envoy's own logger does not write. */
  hostname: Bytes = bytes("");
  /** Does a member need every stage timed? */
  timed: bool = false;
  /** Is the model's name a member? */
  namesModel: bool = false;
  line: LineWriter = new JsonFragment(0);
  /** Where lines go; null: to Envoy's own logger. */
  sender: LogSender | null = null;
  readonly sampling: Sampling = new Sampling();
}

export function readSettings(config: Config): Settings {
  const settings = new Settings();
  const wanted = config.number("maxValueBytes", 512, SMALLEST_VALUE);
  if (wanted > LARGEST_VALUE) config.fault("maxValueBytes", `must be at most ${LARGEST_VALUE.toString()}`);
  // What is refused must not size buffers on its way there.
  const limit = <i32>min<f64>(max<f64>(wanted, SMALLEST_VALUE), LARGEST_VALUE);
  const collector = config.object("collector");
  if (collector == null) settings.line = new JsonFragment(limit);
  else {
    const sender = new LogSender(collector, limit);
    settings.sender = sender;
    settings.line = sender.line;
    settings.hostname = podName("");
    const sample = collector.object("sample");
    if (sample != null) settings.sampling.read(sample);
    collector.finish();
  }
  const members = readMembers(config, collector == null);
  settings.members = chosen(members, false);
  settings.modelMembers = chosen(members, true);
  if (collector != null) checkCollected(config, settings.members);
  settings.line.reserve(members);
  for (let i = 0; i < settings.members.length; i++) {
    if (settings.members[i].field == Field.Phases) settings.timed = true;
    if (settings.members[i].field == Field.Model) settings.namesModel = true;
  }
  if (config.has("gateway")) settings.gateway = bytes(config.text("gateway"));
  readRedaction(config, settings);
  return settings;
}

/** @param ofEnvoy its own logger writes the members that Envoy knows */
function readMembers(config: Config, ofEnvoy: bool): Member[] {
  const members: Member[] = [];
  const taken: string[] = [];
  const entries = config.objects("fields");
  // Envoy's own logger writes it in any line.
  let isTimed = false;
  for (let i = 0; i < entries.length; i++) if (entries[i].text("field") == START_TIME) isTimed = true;
  if (ofEnvoy && !isTimed) taken.push(START_TIME);
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i];
    const name = entry.text("field");
    const field = FIELD_NAMES.indexOf(name);
    if (name.length > 0 && field <= 0) {
      entry.fault("field", `unknown field; known are ${FIELD_NAMES.slice(1).join(", ")}`);
    }
    const as = entry.has("as") ? entry.text("as") : name;
    if (taken.includes(as)) entry.fault("as", `two fields would be named ${as}`);
    if (!ofEnvoy && as != name) entry.fault("as", `a collector knows ${name} by this name only`);
    taken.push(as);
    entry.finish();
    if (field > 0 && (!ofEnvoy || field > LAST_OF_ENVOY)) members.push(new Member(field, as));
  }
  if (!config.has("fields")) {
    for (let field = ofEnvoy ? LAST_OF_ENVOY + 1 : 1; field < FIELD_NAMES.length; field++) {
      if (field != Field.Phases) members.push(new Member(field, FIELD_NAMES[field]));
    }
  }
  return members;
}

/** @returns the members that are of calls to language models alone, or the others */
function chosen(members: Member[], ofModelCall: bool): StaticArray<Member> {
  const found: Member[] = [];
  for (let i = 0; i < members.length; i++) {
    if (members[i].field >= FIRST_OF_MODEL_CALL == ofModelCall) found.push(members[i]);
  }
  return StaticArray.fromArray(found);
}

/** A collector drops or miscounts lines without these. */
function checkCollected(config: Config, members: StaticArray<Member>): void {
  for (let i = 0; i < COLLECTED.length; i++) {
    const name = FIELD_NAMES[COLLECTED[i]];
    let found = false;
    for (let j = 0; j < members.length; j++) if (members[j].field == COLLECTED[i]) found = true;
    if (!found) config.fault("fields", `must hold ${name} beside a collector, which counts by it`);
  }
}

function readRedaction(config: Config, settings: Settings): void {
  const parameters = config.texts("redactedParameters");
  for (let i = 0; i < parameters.length; i++) settings.redactedParameters.push(bytes(parameters[i]));
  const paths = config.texts("redactedPaths");
  for (let i = 0; i < paths.length; i++) {
    if (paths[i].startsWith("/")) settings.redactedPaths.push(new PathPattern(paths[i]));
    else config.fault(`redactedPaths[${i.toString()}]`, "must start with /");
  }
  const headers = config.texts("redactedHeaders");
  for (let i = 0; i < headers.length; i++) {
    if (isShown(headers[i])) hide(settings.members, headers[i]);
    else config.fault(`redactedHeaders[${i.toString()}]`, `no field of a line shows ${headers[i]}`);
  }
}

function isShown(header: string): bool {
  for (let field = 1; field < FIELD_NAMES.length; field++) {
    if (header.length > 0 && headerOf(field) == header) return true;
  }
  return false;
}

function hide(members: StaticArray<Member>, header: string): void {
  for (let i = 0; i < members.length; i++) {
    if (headerOf(members[i].field) == header) members[i].hidden = true;
  }
}
