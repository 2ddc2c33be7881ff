import assert from "node:assert/strict";
import { test } from "node:test";
import { loadFilter } from "modelgate/filter-test";
import configuration from "./config.json" with { type: "json" };

// In a host in Node that stands for Envoy: fast, for all that a stage can meet.
const filter = await loadFilter(import.meta.dirname, configuration);

test("a request goes on, and its response names the filter", () => {
  const { reply, request, response } = filter.exchange({ body: "hello" }, { body: "world" });
  assert.equal(reply, undefined);
  assert.equal(request.body.toString(), "hello");
  assert.deepEqual([response.headers["x-guarded-by"], response.body.toString()], ["NAME", "world"]);
});

test("a request with the header is refused", () => {
  const { reply } = filter.exchange({ headers: { "x-debug": "1" } });
  assert.deepEqual([reply?.status, reply?.details], [403, "header_refused"]);
  assert.equal(JSON.parse(reply?.body ?? "").error, "a header of this request is refused here");
});

test("a wrong configuration is refused, and says why", async () => {
  const wrong = { headerGuard: { header: "x debug", name: "NAME" } };
  await assert.rejects(
    loadFilter(import.meta.dirname, wrong),
    /headerGuard.header: must be the name of a header/,
  );
});
