import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { modelTask } from "../../tools/api/model-task.ts";
import { tenant } from "../../tools/api/tenant.ts";
import { pluginConfig } from "../../tools/cluster/istio/plugin-config.ts";
import { wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { digestOf } from "../support/auth.ts";
import { KEY, startTestGateway, type TestGateway } from "../support/gateway.ts";
import { findChromium, launchChromium } from "./support/browser.ts";

const chromium = findChromium();
if (chromium === undefined)
  console.warn("the cross-origin test is skipped: install Debian chromium, or set CHROMIUM to one");

/** What a script of the page sees of a call; a browser hides what it may not see behind a TypeError. */
type Seen =
  | { status: number; reason: string | undefined; retryAfter: string | null; models: number | undefined }
  | { error: string };

describe.skipIf(chromium === undefined)("a page of another origin", () => {
  let browser: Browser;
  let gateway: TestGateway;
  const servers: Server[] = [];

  const site = async (): Promise<string> => {
    const server = createServer((_request, response) => {
      response.setHeader("content-type", "text/html").end("<!doctype html><title>page</title>");
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    servers.push(server);
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  let own: string;
  let ofTask: string;
  let stranger: string;

  beforeAll(async () => {
    [own, ofTask, stranger] = [await site(), await site(), await site()];
    const task = (taskid: string, spec: object = {}) =>
      modelTask.parse({
        apiVersion: "modelgate.dev/v1alpha1",
        kind: "ModelTask",
        metadata: { name: `task-${taskid}`, namespace: "search" },
        spec: { taskid, tenant: "search", service: { name: "service" }, ...spec },
      });
    const config = pluginConfig(
      tenant.parse({
        apiVersion: "modelgate.dev/v1alpha1",
        kind: "Tenant",
        metadata: { name: "search" },
        spec: {
          namespaces: ["search"],
          gateway: { name: "gw", namespace: "edge", hosts: ["*"] },
          credentials: [{ id: "page", sha256: digestOf(KEY) }],
          tasks: [{ task: "*" }],
          cors: { origins: [own] },
        },
      }),
      [
        task("666"),
        task("v", { cors: { origins: [ofTask] } }),
        task("limited", { limits: { requestsPerSecond: 0.01, burst: 1 } }),
        task("gone"),
      ],
      () => undefined,
    );
    gateway = await startTestGateway([wasmFilter("gateway", modulePath("gateway"), config)]);
    browser = await launchChromium(chromium as string);
  });
  afterAll(async () => {
    await browser?.close();
    await gateway?.stop();
    for (const server of servers) server.close();
  });

  const visit = async (origin: string): Promise<Page> => {
    const page = await browser.newPage();
    await page.goto(origin);
    return page;
  };
  const call = (page: Page, taskid: string, key = KEY, path = "/v2/models/linear/infer"): Promise<Seen> =>
    page.evaluate(
      async ({ url, headers }) => {
        const data = [1, 2, 3, 4, 5, 6, 7, 8];
        const inputs = [{ name: "x", shape: [1, 8], datatype: "FP32", data }];
        try {
          const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ inputs }) });
          const { reason, outputs } = (await response.json()) as { reason?: string; outputs?: unknown[] };
          const retryAfter = response.headers.get("retry-after");
          return { status: response.status, reason, retryAfter, models: outputs?.length };
        } catch (error) {
          return { error: (error as Error).name };
        }
      },
      {
        url: `http://127.0.0.1:${gateway.envoy.port}${path}`,
        headers: { taskid, "x-api-key": key, "content-type": "application/json" },
      },
    );

  test("calls a model, after a preflight without a credential, and sees why it is refused", async () => {
    const page = await visit(own);
    expect(await call(page, "666")).toMatchObject({ status: 200, models: 1 });
    const preflights = await gateway.logged(({ method }) => method === "OPTIONS");
    expect(preflights.map(({ response_code }) => response_code)).toEqual([204]);
    expect(await call(page, "666", "wrong")).toMatchObject({ status: 401, reason: "credential_unknown" });
    expect(await call(page, "limited")).toMatchObject({ status: 200 });
    const limited = { status: 429, reason: "task_rate_limited", retryAfter: expect.stringMatching(/^\d+$/) };
    expect(await call(page, "limited")).toMatchObject(limited);
    expect(await call(page, "666", KEY, "/v2/models/absent/infer")).toMatchObject({ status: 404 });
    expect(await call(page, "gone")).toMatchObject({ status: 503 });
    await page.close();
  });

  test("may call the tasks that allow its origin, and sees nothing of others", async () => {
    const page = await visit(ofTask);
    expect(await call(page, "v")).toMatchObject({ status: 200 });
    expect(await call(page, "666")).toEqual({ error: "TypeError" });
    await page.close();
  });

  test("of an origin that nobody allows sees nothing", async () => {
    const page = await visit(stranger);
    expect(await call(page, "666")).toEqual({ error: "TypeError" });
    const refused = await gateway.logged(({ reason }) => reason === "origin_forbidden");
    expect(refused.map(({ response_code }) => response_code)).toEqual([403]);
    await page.close();
  });
});
