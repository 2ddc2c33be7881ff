import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { loadConverter } from "modelgate/converter-test";

const converter = await loadConverter(import.meta.dirname);
const example = readFileSync(new URL("example.json", import.meta.url));

test("before: the example becomes a tensor", () => {
  const { method, message } = converter.before(example);
  assert.equal(method, "/inference.GRPCInferenceService/ModelInfer");
  assert.equal(message.modelName, "linear");
  assert.deepEqual(message.inputs, [{ name: "x", datatype: "FP32", shape: [2, 8] }]);
  assert.equal(message.rawInputContents[0].length, 2 * 8 * 4);
});

test("before: what is wrong with a request is said", () => {
  const long = converter.before('{"rows": [[1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 7, 8, 9]]}');
  assert.deepEqual([long.status, long.error], [400, "rows[1]: must be an array of 8 values"]);
  const text = converter.before('{"rows": [[1, 2, 3, 4, 5, 6, 7, "eight"]]}');
  assert.deepEqual([text.status, text.error], [400, "rows[7]: must be a number"]);
});

test("after: scores become the best class of each row", () => {
  const y = { name: "y", datatype: "FP32", shape: [2, 2] };
  const rawOutputContents = [Buffer.from(Float32Array.of(0.25, 0.5, 3, 2).buffer)];
  const { status, body } = converter.after({ outputs: [y], rawOutputContents }, example);
  assert.equal(status, 200);
  assert.deepEqual(JSON.parse(body.toString()), { best: [1, 0], scores: [0.25, 0.5, 3, 2] });
});
