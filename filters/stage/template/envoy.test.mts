import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startEnvoyWithFilter } from "modelgate/filter-test";
import configuration from "./config.json" with { type: "json" };

// In a real Envoy, for what a caller sees. Behind it a server answers with what it got.
const envoy = await startEnvoyWithFilter(import.meta.dirname, configuration);
after(() => envoy.stop());

test("a request reaches the server, and its response names the filter", async () => {
  const response = await fetch(envoy.url, { method: "POST", body: "hello" });
  assert.equal(response.headers.get("x-guarded-by"), "NAME");
  assert.equal((await response.json()).body, "hello");
});

test("a request with the header is refused", async () => {
  const response = await fetch(envoy.url, { headers: { "x-debug": "1" } });
  assert.equal(response.status, 403);
  assert.equal((await response.json()).reason, "header_refused");
});
