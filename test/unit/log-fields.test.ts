import { readFileSync } from "node:fs";
import protobuf from "protobufjs";
import { describe, expect, it } from "vitest";
import { ENVOY_FIELDS, LOG_FIELDS, LOGGED_HEADERS } from "../../tools/lib/envoy/log-fields.ts";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { FIELDS } from "../../tools/servers/collector/fields.ts";

/** The fields of an access log line stand in proto/access_log.proto; whoever knows them too must know the same. */

const read = (path: string) => readFileSync(new URL(path, PROJECT_ROOT), "utf8");
const { root } = protobuf.parse(read("proto/access_log.proto"), { keepCase: true });
const LINE = root.lookupType("modelgate.accesslog.v1.Line").fieldsArray;
const NAMES = LINE.map(({ name }) => name);

/** What a protobuf type is in a store; times and the map of phases are types of their own. */
function typeOf(name: string, types: { text: string; number: string; small: string }): string {
  const field = LINE.find((each) => each.name === name);
  if (field?.type === "uint32") return types.small;
  return field?.type === "uint64" ? types.number : types.text;
}

const snake = (name: string) => name.replaceAll(/(?!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();

/** Names that a list or an enum in a source of the filter has, without the first, which stands for none. */
function listed(source: string, opening: string): string[] {
  const [, list] = source.split(opening);
  const end = list?.search(/[}\]]/);
  return [...(list ?? "").slice(0, end).matchAll(/\w+/g)].map(([name]) => name);
}

describe("the fields of proto/access_log.proto", () => {
  it("have numbers from 1 on in their order", () => {
    expect(LINE.map(({ id }) => id)).toEqual(NAMES.map((_, index) => index + 1));
  });

  it("are those of the filter, number by number", () => {
    const source = read("filters/access-log/fields.ts");
    expect(listed(source, "export enum Field {").map(snake)).toEqual(["none", ...NAMES]);
    expect(listed(source, "FIELD_NAMES: string[] = [")).toEqual(NAMES);
    const last = /LAST_OF_ENVOY: Field = Field\.(\w+)/.exec(source)?.[1] ?? "";
    expect(snake(last)).toBe(Object.keys(ENVOY_FIELDS).at(-1));
  });

  it("are those of Envoy's format and, behind them, of the log stage", () => {
    expect(LOG_FIELDS).toEqual(NAMES);
    expect(NAMES.slice(0, Object.keys(ENVOY_FIELDS).length)).toEqual(Object.keys(ENVOY_FIELDS));
  });

  it("are the collector's columns, with types that hold them", () => {
    const types = { text: "VARCHAR", number: "BIGINT", small: "USMALLINT" };
    const wanted = NAMES.map((name) => [name, typeOf(name, types)]);
    expect(FIELDS).toEqual({
      ...Object.fromEntries(wanted),
      start_time: "TIMESTAMP_MS",
      phases: "JSON",
    });
    expect(Object.keys(FIELDS)).toEqual(NAMES);
  });

  it.each(["log_lines", "late_lines"])("are the columns that the Flink table %s has of them", (table) => {
    const [, body = ""] = read("manifests/stream/tables.sql").split(`CREATE TABLE ${table} (`);
    const columns = [...body.slice(0, body.indexOf(") WITH (")).matchAll(/^ {2}([a-z_]+) ([A-Z_]+)\b/gm)]
      .map(([, name, type]) => [name, type])
      .filter(([, type]) => type !== "AS");
    const types = { text: "STRING", number: "BIGINT", small: "INT" };
    const typed = (name: string) => (name === "start_time" ? "TIMESTAMP_LTZ" : typeOf(name, types));
    const known = NAMES.filter((name) => columns.some(([column]) => column === name));
    expect(columns).toEqual(known.map((name) => [name, typed(name)]));
    expect(columns.length).toBeGreaterThan(5);
  });

  it("are named alike by the filter and the resources, where a collector needs some of them", () => {
    const filter = listed(read("filters/access-log/read-config.ts"), "const COLLECTED: Field[] = [");
    const resources = listed(read("tools/api/access-log-settings.ts"), "const COLLECTED: LogField[] = [");
    expect(filter.filter((word) => word !== "Field").map(snake)).toEqual(resources);
    expect(NAMES).toEqual(expect.arrayContaining(resources));
    expect(resources.length).toBeGreaterThan(0);
  });

  it("show the headers that may be hidden, as the filter says", () => {
    const [, body = ""] = read("filters/access-log/fields.ts").split("export function headerOf");
    expect([...body.matchAll(/"([^"]+)"/g)].map(([, header]) => header)).toEqual([...LOGGED_HEADERS]);
  });
});
