import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { logLine, toText } from "../support/collector/log-lines.ts";
import { startTestCollector, type TestCollector, testFolder } from "../support/collector/start.ts";
import { findBrowsers, launch } from "./support/browser.ts";

/** An incident: since five minutes ago version v2 of task 666 fails for every second request. */

const browsers = findBrowsers();
if (browsers.length === 0) console.warn("page tests are skipped: install Debian chromium or firefox-esr");
const MINUTE = 60_000;
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const now = Math.floor(Date.now() / MINUTE) * MINUTE;

/** Two requests a second for 20 minutes; every fifth is v2's. */
function lines(): Record<string, unknown>[] {
  return Array.from({ length: 2_400 }, (_, i) => {
    const time = now - 20 * MINUTE + i * 500;
    const version = i % 5 === 0 ? "v2" : "v1";
    const failed = version === "v2" && i % 2 === 0 && time >= now - 5 * MINUTE;
    const careless = i % 40 === 3;
    return logLine({
      start_time: new Date(time).toISOString(),
      ...{ version, duration: 20 + (i % 60), request_id: `request-${i}`, trace_id: TRACE },
      ...(failed && { response_code: 503, response_flags: "UF", reason: "upstream_error", duration: 1003 }),
      ...(careless && {
        response_code: 400,
        decision: "refused",
        reason: "json_malformed",
        credential: "careless",
      }),
    });
  });
}

describe.each(browsers)("an incident on the page in $name", (found) => {
  let browser: Browser;
  let page: Page;
  let collector: TestCollector;
  let faults: string[];

  beforeAll(async () => {
    browser = await launch(found);
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    collector = await startTestCollector(await testFolder(), {
      traceUrl: "http://127.0.0.1:9/trace/{trace_id}",
    });
    const all = lines();
    await collector.post(toText(all));
    await expect.poll(() => collector.requests()).toBe(all.length);
    faults = [];
    page = await browser.newPage({ viewport: { width: 1440, height: 1000 } });
    page.setDefaultTimeout(15_000);
    page.on("pageerror", (error) => faults.push(error.message));
  });
  afterEach(async () => {
    expect(faults).toEqual([]);
    await page.close();
  });

  const settled = () => page.waitForSelector("body[data-state=ready]");
  const open = async (path: string) => {
    await page.goto(collector.url + path);
    await settled();
  };
  const query = () => Object.fromEntries(new URL(page.url()).searchParams);
  const asked = async (what: () => Promise<void>) => {
    // It loads from the moment on that it is asked.
    await what();
    await settled();
  };
  const count = () => page.locator("#lines .count").textContent();
  const plot = async (chart: Locator) => {
    const box = await chart.locator(".u-over").boundingBox();
    if (box === null) throw new Error("the chart has no place");
    return box;
  };

  test("from the alert's link to the failing version in three clicks", async () => {
    // 1: the link of the alert ModelgateErrorBudgetBurnFast, its annotation `page`.
    await open("/?tenant=search&task=666");
    // 2: the worst version first.
    await page.getByRole("button", { name: /^server errors/ }).click();
    const first = page.locator("#table .row").first();
    expect(await first.textContent()).toContain("v2");
    expect(await first.locator(".alarmed").count()).toBe(1);
    // 3: what it answered, and nothing else.
    await first.locator("a").click();
    await page.waitForFunction(() => location.search.includes("version=v2"));
    await expect.poll(count).toBe("60");
    expect(query()).toMatchObject({ task: "666", version: "v2", gateway: "gateways/search" });
    const listed = page.locator("#lines .rows");
    expect(await listed.textContent()).toContain("upstream_error");
    expect(await listed.textContent()).not.toContain("json_malformed");
  });

  test("a drag is one entry of the history, and shows ten seconds with single points", async () => {
    await open("/?tenant=search&task=666");
    const before = await page.evaluate(() => history.length);
    const box = await plot(page.locator("#latency"));
    await page.mouse.move(box.x + box.width * 0.92, box.y + 30);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.97, box.y + 30, { steps: 5 });
    await asked(() => page.mouse.up());
    expect(await page.evaluate(() => history.length)).toBe(before + 1);
    const { from, to } = query();
    expect(Number(to) - Number(from)).toBeLessThan(5 * MINUTE);
    const request = page.waitForRequest(/traffic.*step=10s/);
    await page.reload();
    await request;
    await settled();
    await asked(() => page.locator("#zoom-out").click());
    expect(Number(query().to) - Number(query().from)).toBeGreaterThan(1.9 * (Number(to) - Number(from)));
    await page.goBack();
    await expect.poll(query).toEqual({ tenant: "search", task: "666", from, to });
  });

  test("a click on a point lists the lines of that moment, and the keyboard does so, too", async () => {
    await open("/?tenant=search&task=666&zone=utc");
    const box = await plot(page.locator("#traffic"));
    await asked(() => page.mouse.click(box.x + box.width * 0.95, box.y + 40));
    const at = Number(query().at);
    expect(at % MINUTE).toBe(0);
    expect(await count()).toBe("100 of 120");
    expect(await page.locator("#lines h2").textContent()).toBe(
      `Log lines from ${new Date(at).toISOString().slice(11, 19)}`,
    );
    await page.locator("#codes .plot").focus();
    for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowLeft");
    await asked(() => page.keyboard.press("Enter"));
    expect(Number(query().at)).toBeLessThan(at);
  });

  test("searches the lines, and shows one request with its phases and its trace", async () => {
    await open("/?tenant=search&task=666");
    await page.locator("#find").fill("REQUEST-2390");
    await asked(() => page.keyboard.press("Enter"));
    await expect.poll(count).toBe("1");
    await page.locator("#lines .open").click();
    await page.waitForSelector("#request:not([hidden]) dl");
    expect(await page.locator("#request h2").textContent()).toBe("Request request-2390");
    expect(await page.locator("#request dl").textContent()).toContain("response_flagsUF");
    expect(await page.locator("#request .phases li").count()).toBe(2);
    expect(await page.locator("#request .trace").getAttribute("href")).toBe(
      `http://127.0.0.1:9/trace/${TRACE}`,
    );
    await page.getByRole("link", { name: "Close" }).click();
    await page.waitForSelector("#request", { state: "hidden" });
  });

  test("filters stand in the URL, and go away one by one", async () => {
    await open("/?tenant=search&task=666");
    await page.locator("#filter").fill("status=400 credential=careless");
    await asked(() => page.keyboard.press("Enter"));
    expect(query()).toMatchObject({ code: "400", credential: "careless" });
    expect(await page.locator(".tile strong").nth(3).textContent()).toBe("100 %");
    expect(await count()).toBe("60");
    await page.getByRole("link", { name: "Take away: status 400" }).click();
    await page.waitForFunction(() => !location.search.includes("code="));
    expect(query().credential).toBe("careless");
    await page.locator("#filter").fill("colour=red");
    await page.keyboard.press("Enter");
    expect(await page.locator("#filter-fault").textContent()).toMatch(/^“colour=red”/);
  });

  test("compares with the time before a rollout, or yesterday", async () => {
    const event = { type: "rollout", reason: "RolloutStarted", message: "v2", tenant: "search" };
    const time = new Date(now - 5 * MINUTE).toISOString();
    await fetch(`${collector.url}/api/v1/events`, {
      method: "POST",
      body: JSON.stringify({ time, ...event }),
    });
    await open("/?tenant=search&task=666&range=15m&version=v2");
    await page.locator("#events summary").click();
    await asked(() => page.getByRole("button", { name: "Compare with before" }).click());
    expect(Number(query().compare)).toBeGreaterThan(4 * MINUTE);
    expect(await page.locator("#traffic .u-legend").textContent()).toContain("server errors before");
    const errors = page.locator(".tile").filter({ hasText: "Server errors" });
    expect(await errors.locator(".before").textContent()).toBe("before 0 %");
    await asked(async () => void (await page.locator("#compare").selectOption({ label: "yesterday" })));
    expect(query().compare).toBe("86400000");
    expect(await page.locator("#traffic .u-legend").textContent()).toContain("requests before");
  });

  test("takes ranges as they are written, and names the time zone", async () => {
    await open("/?tenant=search&task=666&zone=utc");
    const text = (time: number) => new Date(time).toISOString().slice(0, 16).replace("T", " ");
    await page.locator("#span").fill(`${text(now - 10 * MINUTE)} – ${text(now - 2 * MINUTE)}`);
    await asked(() => page.keyboard.press("Enter"));
    expect(query()).toMatchObject({ from: String(now - 10 * MINUTE), to: String(now - 2 * MINUTE) });
    expect(await page.locator("#status").textContent()).toMatch(/^Fixed · to \d\d:\d\d UTC$/);
    await page.locator("#span").fill("90m");
    await asked(() => page.keyboard.press("Enter"));
    expect(query()).toEqual({ tenant: "search", task: "666", zone: "utc", range: "90m" });
    await page.locator("#span").fill("11:00 – 10:00");
    await page.keyboard.press("Enter");
    expect(await page.locator("#span-fault").textContent()).toBe("the range ends before it begins");
    await asked(async () => void (await page.locator("#zone").selectOption("local")));
    expect(query().zone).toBeUndefined();
  });

  test("says that a range is empty or none, and has no number of a task that is not there", async () => {
    await page.goto(`${collector.url}/?tenant=search&task=none`);
    await page.waitForSelector("body[data-state=empty]");
    expect(await page.locator(".tile strong").allTextContents()).not.toContain("0.99 ms");
    await open("/?tenant=search&task=666&from=1&to=999999999999999999");
    expect(await page.locator("#wrong").textContent()).toContain("is no range of time; it is left out");
  });

  test("on a phone the names show", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await open("/?tenant=search&task=666");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    for (const name of await page.locator("#table .row .name").all())
      expect((await name.boundingBox())?.width).toBeGreaterThan(40);
  });
});
