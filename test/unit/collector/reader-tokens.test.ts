import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { metricsCommand } from "../../../tools/cli/commands/metrics.ts";
import { ReaderTokens } from "../../../tools/servers/collector/http/reader-tokens.ts";
import { routes } from "../../../tools/servers/collector/http/routes.ts";
import { logLine, modelCall, toText } from "../../support/collector/log-lines.ts";
import { startTestCollector, type TestCollector, testFolder } from "../../support/collector/start.ts";
import { runHere } from "../../support/modelgate.ts";

let collector: TestCollector;
let folder: string;
beforeEach(async () => {
  folder = await testFolder();
  await writeFile(
    join(folder, "readers"),
    "# who reads\noperator-token\nsearch-token search\nboth-token maps search\n",
  );
  collector = await startTestCollector(folder, {
    readerTokens: await ReaderTokens.open(join(folder, "readers")),
    tokensMs: 20,
  });
  const lines = ["search", "search", "maps", "ads", undefined].map((tenant, i) =>
    modelCall({ tenant, taskid: `task-of-${tenant}`, request_id: `request-${i}` }),
  );
  await collector.post(toText(lines));
  await expect.poll(async () => (await rows("operator-token")).length).toBe(4);
});

const ask = (path: string, token?: string, init: RequestInit = {}) =>
  fetch(collector.url + path, { ...init, headers: token ? { authorization: `Bearer ${token}` } : {} });
const rows = async (token: string, query = "") =>
  (
    (await (await ask(`/api/v1/traffic?step=0&by=tenant${query}`, token)).json()) as {
      rows: { tenant: string }[];
    }
  ).rows ?? [];

it("shows each reader its tenants, whatever it asks", async () => {
  const seen = async (token: string, query = "") => (await rows(token, query)).map(({ tenant }) => tenant);
  expect(await seen("operator-token")).toEqual(["", "ads", "maps", "search"]);
  expect(await seen("search-token")).toEqual(["search"]);
  expect(await seen("both-token")).toEqual(["maps", "search"]);
  expect(await seen("both-token", "&tenant=maps&tenant=ads")).toEqual(["maps"]);
  for (const path of ["traffic?tenant=ads&", "spend?tenant=ads&", "budgets?tenant=ads&", "logs?tenant=ads&"])
    expect((await ask(`/api/v1/${path}from=1h`, "search-token")).status).toBe(403);
  for (const path of ["heatmap?tenant=&", "events?tenant=ads&"])
    expect((await ask(`/api/v1/${path}from=1h`, "search-token")).status).toBe(403);
});

it("lets nothing of another tenant through by lines, names, an id, a search or events", async () => {
  await ask("/api/v1/events", "operator-token", {
    method: "POST",
    body: JSON.stringify({
      events: ["search", "ads", ""].map((tenant) => ({ type: "other", reason: "R", tenant })),
    }),
  });
  const paths = [
    "logs?limit=100",
    "logs?request_id=request-3",
    "logs?search=ads",
    "names?",
    "events?",
    "limits?",
  ];
  for (const path of [
    ...paths,
    "traffic?by=taskid",
    "spend?by=tenant,task",
    "traffic?by=credential,task&code=200",
  ]) {
    const answer = await ask(`/api/v1/${path}&from=1h`, "search-token");
    const text = await answer.text();
    expect([path, answer.status, /ads|maps|undefined/.test(text)]).toEqual([path, 200, false]);
  }
  for (const path of ["logs?", "spend?by=task&"])
    expect(await (await ask(`/api/v1/${path}from=1h`, "search-token")).text()).toContain("task-of-search");
});

it("asks everybody for a token, on the page by Basic, and lets probes and senders alone", async () => {
  for (const path of ["/", "/page/main.ts", "/api/v1/traffic", "/api/v1/settings", "/metrics", "/nothing"]) {
    const answer = await ask(path);
    expect([path, answer.status]).toEqual([path, 401]);
    expect(answer.headers.get("www-authenticate")).toMatch(/^Basic realm=/);
    expect((await ask(path, "wrong-token")).status).toBe(401);
  }
  const basic = `Basic ${Buffer.from("anybody:search-token").toString("base64")}`;
  expect((await fetch(`${collector.url}/`, { headers: { authorization: basic } })).status).toBe(200);
  for (const path of ["/healthz", "/readyz"]) expect((await ask(path)).status).toBe(200);
  expect((await collector.post(toText([logLine()]))).status).toBe(200);
});

it("keeps what is of all tenants for those who may see all; so is a route that nobody thought of", async () => {
  expect((await ask("/metrics", "search-token")).status).toBe(403);
  expect((await ask("/api/v1/events", "search-token", { method: "POST", body: "{}" })).status).toBe(403);
  expect((await ask("/metrics", "operator-token")).status).toBe(200);
  const readers = await ReaderTokens.open(join(folder, "readers"));
  const guarded = readers.guard({ "GET /api/v1/new": () => {} });
  const request = { method: "GET", url: "/", headers: { authorization: "Bearer search-token" } };
  const call = () =>
    guarded["GET /api/v1/new"]?.(request as never, {} as never, new URL("http://c/api/v1/new"));
  expect(call).toThrow("readers who may see all tenants");
  expect(
    Object.keys(routes({} as never))
      .filter((name) => name.startsWith("GET /api/v1/"))
      .sort(),
  ).toEqual(
    ["budgets", "events", "heatmap", "limits", "logs", "names", "settings", "spend", "traffic"].map(
      (name) => `GET /api/v1/${name}`,
    ),
  );
});

it("takes a changed file, and commands bring their token", async () => {
  const token = join(folder, "token");
  await writeFile(token, "search-token\n");
  const args = ["--collector", collector.url, "--by", "tenant", "-o", "json"];
  expect((await runHere(metricsCommand(), args)).stderr).toContain("answers 401: a reader's token is needed");
  const { stdout } = await runHere(metricsCommand(), [...args, "--collector-token-file", token]);
  expect(JSON.parse(stdout).rows).toMatchObject([{ tenant: "search", requests: 2 }]);
  await writeFile(join(folder, "readers"), "new-token ads\n");
  await expect.poll(async () => (await ask("/api/v1/names", "search-token")).status).toBe(401);
  expect((await rows("new-token")).map(({ tenant }) => tenant)).toEqual(["ads"]);
});
