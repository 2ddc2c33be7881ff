import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { faultsOf, findChromium, launchChromium } from "./support/browser.ts";
import { type FakeCollector, HOSTILE_TASK, startFakeCollector } from "./support/fake-collector.ts";

const chromium = findChromium();
if (chromium === undefined)
  console.warn("page tests are skipped: install Debian chromium, or set CHROMIUM to one");
const AXE = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");

describe.skipIf(chromium === undefined)("the collector's page", () => {
  let browser: Browser;
  let collector: FakeCollector;
  let page: Page;
  let faults: string[];

  beforeAll(async () => {
    browser = await launchChromium(chromium as string);
    collector = await startFakeCollector(1_000);
  });
  afterAll(async () => {
    await browser?.close();
    await collector?.stop();
  });
  beforeEach(async () => {
    collector.mood = "busy";
    page = await browser.newPage({ viewport: { width: 1440, height: 1000 } });
    page.setDefaultTimeout(10_000);
    faults = faultsOf(page);
    page.on("request", (request) => request.url().startsWith(collector.url) || faults.push(request.url()));
  });
  afterEach(() => page.close());

  const open = async (query = "") => {
    await page.goto(`${collector.url}/${query}`);
    await page.waitForSelector("body[data-state=ready]");
  };
  const rows = () => page.locator("#table .row");
  const query = () => new URL(page.url()).searchParams;

  test("shows the fleet: summary, events, charts and tasks", async () => {
    await open();
    expect(await page.locator(".tile strong").allTextContents()).toHaveLength(9);
    expect(await page.locator("#timeline canvas").count()).toBe(6);
    expect(await page.locator("#events .mark").count()).toBe(8);
    expect(await page.locator("#table .note").textContent()).toBe("1000 rows");
    expect(await page.locator("#traffic .u-legend").textContent()).toMatch(
      /served.*refused.*callers’ errors.*server errors/,
    );
    expect(faults).toEqual([]);
  });

  test("draws every chart and the heat map", async () => {
    await open();
    const inked = await page.$$eval("#timeline canvas", (canvases) =>
      canvases.map((canvas) => {
        const pixels = (canvas as HTMLCanvasElement).getContext("2d")?.getImageData(120, 20, 400, 80);
        return new Set(new Uint32Array(pixels?.data.buffer ?? [])).size;
      }),
    );
    for (const colours of inked) expect(colours).toBeGreaterThan(3);
  });

  test("keeps only the rows in sight of 1,000 tasks", async () => {
    await open();
    expect(await rows().count()).toBeLessThan(60);
    await page
      .locator("#table .scroller")
      .evaluate((scroller) => scroller.scrollTo(0, scroller.scrollHeight));
    await page.waitForSelector('[aria-rowindex="1001"]');
    expect(await rows().count()).toBeLessThan(60);
  });

  test("searches and sorts, and the URL holds it", async () => {
    await open();
    await page.keyboard.press("/");
    await page.keyboard.type("rank search");
    await page.getByRole("button", { name: "p99" }).click();
    const shown = await page.locator("#table .note").textContent();
    expect(shown).toMatch(/^\d+ of 1000$/);
    expect(Object.fromEntries(query())).toEqual({ search: "rank search", sort: "-p99" });
    const first = await rows().first().textContent();
    await page.reload();
    await page.waitForSelector("body[data-state=ready]");
    expect(await page.locator("#table .note").textContent()).toBe(shown);
    expect(await rows().first().textContent()).toBe(first);
    await page.locator("#search").fill("no such task");
    expect(await page.locator("#table .note").textContent()).toContain("Nothing of 1000 matches");
  });

  test("goes from fleet to task with the keyboard, and back", async () => {
    await open();
    await page.locator("#table .scroller").focus();
    await page.keyboard.press("ArrowDown");
    for (let i = 0; i < 40; i++) await page.keyboard.press("ArrowDown");
    expect(
      await page.evaluate(() =>
        document.activeElement?.closest("[aria-rowindex]")?.getAttribute("aria-rowindex"),
      ),
    ).toBe("42");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelector("h1")?.textContent?.startsWith("Task "));
    await page.waitForSelector("body[data-state=ready]");
    expect(query().get("task")).toBeTruthy();
    expect(await page.locator("#table-name").textContent()).toBe("Versions and gateways");
    expect(await page.locator("#lines li").count()).toBe(60);
    expect(await page.locator("#traffic .u-legend").textContent()).toContain("limit240");
    await page.goBack();
    await page.waitForSelector("body[data-state=ready]");
    expect(await page.title()).toBe("Fleet · Modelgate");
  });

  test("shows a tenant", async () => {
    await open("?rows=tenant");
    await page.locator("#table .row a", { hasText: "risk" }).click();
    await page.waitForFunction(() => document.title === "Tenant risk · Modelgate");
    await page.waitForSelector("body[data-state=ready]");
    expect(await page.locator("#table .note").textContent()).toBe("200 rows");
    expect(collector.asked.filter((path) => path.includes("tenant=risk"))).toHaveLength(5);
    expect(await page.locator("#events .list li").count()).toBe(6);
  });

  test("takes a part of the time line, and goes back to now", async () => {
    await open();
    const box = await page.locator("#latency .u-over").boundingBox();
    if (box === null) throw new Error("the chart has no place");
    await page.mouse.move(box.x + box.width * 0.25, box.y + 30);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 30, { steps: 5 });
    await page.mouse.up();
    await page.waitForFunction(() => location.search.includes("from="));
    const minutes = (Number(query().get("to")) - Number(query().get("from"))) / 60_000;
    expect(minutes).toBeGreaterThan(13);
    expect(minutes).toBeLessThan(17);
    await page.locator("#range").selectOption("6h");
    await page.waitForFunction(() => location.search === "?range=6h");
  });

  test("tells what an event was", async () => {
    await open();
    await page.getByRole("button", { name: /RolloutRolledBack/ }).click();
    expect(await page.locator("#events li.chosen").textContent()).toContain("errors 3.1 % beside 0.2 %");
  });

  test("says when there is no traffic", async () => {
    collector.mood = "silent";
    await page.goto(`${collector.url}/?task=none&tenant=search`);
    await page.waitForSelector("body[data-state=empty]");
    expect(await page.locator("#empty").textContent()).toMatch(/^No request for task none between /);
    expect(await page.locator("#events summary").textContent()).toBe("No events in this time");
    expect(faults).toEqual([]);
  });

  test("says what is wrong, keeps what it has and recovers", async () => {
    await open();
    collector.mood = "broken";
    await page.locator("#range").selectOption("24h");
    await page.waitForSelector("#banner:not([hidden])");
    expect(await page.locator("#banner").textContent()).toContain("503");
    expect(await page.locator("#table .note").textContent()).toBe("1000 rows");
    collector.mood = "busy";
    await page.getByRole("button", { name: "Try again" }).click();
    await page.waitForSelector("body[data-state=ready]");
    expect(await page.locator("#banner").isHidden()).toBe(true);
  });

  test("refreshes by itself while it is live", async () => {
    await page.clock.install();
    await open();
    const before = collector.asked.length;
    await page.clock.runFor(10_500);
    await expect.poll(() => collector.asked.length).toBeGreaterThan(before);
    await page.locator("#refresh").selectOption("0");
    await page.waitForLoadState("networkidle");
    const after = collector.asked.length;
    await page.clock.runFor(60_000);
    expect(collector.asked.length).toBe(after);
  });

  test.each(["light", "dark"] as const)("passes an accessibility audit, %s", async (colorScheme) => {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const narrowed = "?tenant=search&task=666&code=429&find=a&compare=86400000&request=x&range=1y";
    for (const path of ["", "?tenant=search&task=666", narrowed]) {
      await open(path);
      await page.locator("#events summary").click();
      await page.evaluate(AXE);
      const violations = await page.evaluate(async () => {
        const axe = (globalThis as unknown as { axe: { run(): Promise<{ violations: AxeViolation[] }> } })
          .axe;
        return (await axe.run()).violations.map(
          ({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 160)} ${nodes[0]?.failureSummary}`,
        );
      });
      expect(violations).toEqual([]);
    }
  });

  test("a task's name is text, whatever it holds", async () => {
    await open();
    await page.locator("#search").fill("onerror");
    expect(await rows().count()).toBe(1);
    await rows().locator("a").click();
    await page.waitForFunction(() => document.title.startsWith("Task"));
    await page.waitForSelector("body[data-state=ready]");
    expect(await page.title()).toBe(`Task ${HOSTILE_TASK} · Modelgate`);
    expect(Object.fromEntries(query())).toEqual({ tenant: "assistant", task: HOSTILE_TASK });
    expect(await page.locator("img").count()).toBe(1);
    expect(faults).toEqual([]);
  });

  test("fits a phone", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await open();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  });
});

interface AxeViolation {
  id: string;
  nodes: { html: string; failureSummary: string }[];
}
