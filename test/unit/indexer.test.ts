import { expect, it } from "vitest";
import { inBatches } from "../../tools/servers/indexer/batches.ts";
import { operationOf } from "../../tools/servers/indexer/documents.ts";
import { pace } from "../support/pace.ts";

const PLACE = { topic: "modelgate-traffic", partition: 2, offset: 7n };
const KEY = { "@timestamp": "2026-11-20T10:00:00Z", tenant: "search", taskid: "", version: "v1" };

function operation(key: object | undefined, value: string | undefined, topic = PLACE.topic): unknown[] {
  const text = operationOf({
    ...{ ...PLACE, topic },
    key: key && Buffer.from(JSON.stringify(key)),
    value: value === undefined ? undefined : Buffer.from(value),
  });
  return (text ?? "")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

it("a result is the document of its key", () => {
  expect(operation(KEY, '{"requests":3}')).toEqual([
    { index: { _index: "modelgate-traffic", _id: "2026-11-20T10:00:00Z|search||v1" } },
    { requests: 3 },
  ]);
});

it("a result without a value takes the document away", () => {
  const target = { _index: "modelgate-traffic", _id: "2026-11-20T10:00:00Z|search||v1" };
  expect(operation(KEY, undefined)).toEqual([{ delete: target }]);
});

it("keys of any length are ids, each its own", () => {
  const ids = ["a", "b"].map((end) => {
    const [action] = operation({ ...KEY, taskid: "ä".repeat(300) + end }, "{}") as [
      { index: { _id: string } },
    ];
    return action.index._id;
  });
  expect(ids.map((id) => id.length)).toEqual([43, 43]);
  expect(new Set(ids).size).toBe(2);
});

it("a line that came too late is one document, however often it is sent", () => {
  const line = JSON.stringify({ start_time: "t", hostname: "h", request_id: "r" });
  expect(operation(undefined, line)[0]).toMatchObject({ index: { _id: "r|t|h" } });
  expect(operation(undefined, '{"hostname":"h"}')[0]).toMatchObject({ index: { _id: "2-7" } });
});

it.each(["", "[1]", "3", "{", "null"])("%j is no document", (value) => {
  expect(operation(KEY, value)).toEqual(value === "" ? [{ delete: expect.anything() }] : []);
});

it("values go on in groups that are not too large, and wait for no others for long", async () => {
  async function* source() {
    yield* [1, 2, 3, 4, 5];
    await pace(200);
    yield 6;
  }
  const groups: number[][] = [];
  for await (const group of inBatches(source(), 3, 20)) groups.push(group);
  expect(groups).toEqual([[1, 2, 3], [4, 5], [6]]);
});

it("a source that fails is told of", async () => {
  async function* source() {
    yield 1;
    throw new Error("no broker");
  }
  const all = async () => {
    for await (const group of inBatches(source(), 1, 1)) expect(group).toEqual([1]);
  };
  await expect(all()).rejects.toThrow("no broker");
});
