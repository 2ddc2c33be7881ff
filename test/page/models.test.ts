/** The view of language models. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { faultsOf, findChromium, launchChromium } from "./support/browser.ts";
import { type FakeCollector, startFakeCollector } from "./support/fake-collector.ts";

const chromium = findChromium();
const AXE = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");

describe.skipIf(chromium === undefined)("the view of language models", () => {
  let browser: Browser;
  let collector: FakeCollector;
  let page: Page;
  let faults: string[];

  beforeAll(async () => {
    browser = await launchChromium(chromium as string);
    collector = await startFakeCollector(50);
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
  });
  afterEach(() => page.close());

  const open = async (query = "?view=models") => {
    await page.goto(`${collector.url}/${query}`);
    await page.waitForSelector("body[data-state=ready]");
  };
  const query = () => new URL(page.url()).searchParams;

  test("is reached by the keyboard from the traffic, and shows tokens, times, budgets and spenders", async () => {
    await open("");
    await page.getByRole("link", { name: "Language models" }).focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector("body[data-view=models]");
    expect(query().get("view")).toBe("models");
    expect(await page.locator("#timeline").isVisible()).toBe(false);
    const tiles = await page.locator("#model-tiles .tile").allTextContents();
    expect(tiles).toHaveLength(9);
    expect(tiles.join()).toMatch(/Tokens in \/ s\d.*First token p50\d+ ms.*Cost[\d.]+K? EUR/);
    expect(await page.locator("#models canvas").count()).toBe(3);
    expect(await page.locator("#tokens .u-legend").textContent()).toMatch(/in.*out/);
    const budgets = await page.locator(".budgets li").allTextContents();
    expect(budgets[0]).toContain("assistant daily/app");
    expect(budgets[0]).toContain("102 %");
    expect(await page.locator(".budgets li.warned").count()).toBe(1);
    expect(await page.locator("#spenders tbody tr").count()).toBe(20);
    expect(await page.locator("#spenders tbody tr").first().textContent()).toContain("app-29");
    expect(await page.locator("#spenders .note").textContent()).toBe("The first 20 of 30. By whole hours.");
    expect(faults).toEqual([]);
  });

  test("draws its charts, and the keyboard goes along them to the lines of a moment", async () => {
    await open();
    const inked = await page.$$eval("#models canvas", (canvases) =>
      canvases.map((canvas) => {
        const pixels = (canvas as HTMLCanvasElement).getContext("2d")?.getImageData(120, 20, 400, 80);
        return new Set(new Uint32Array(pixels?.data.buffer ?? [])).size;
      }),
    );
    for (const colours of inked) expect(colours).toBeGreaterThan(3);
    await page.locator("#first-token .plot").focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await page.waitForSelector("body[data-view=traffic]");
    expect(Number(query().get("at"))).toBeGreaterThan(0);
  });

  test("a spender leads to its own numbers", async () => {
    await open();
    await page.getByRole("link", { name: "app-29", exact: true }).click();
    await page.waitForFunction(() => location.search.includes("credential=app-29"));
    expect(Object.fromEntries(query())).toMatchObject({
      view: "models",
      credential: "app-29",
      task: "vision-4",
    });
    await page.waitForSelector("body[data-state=ready]");
    const asked = collector.asked.findLast((path) => path.startsWith("/api/v1/spend"));
    expect(asked).toContain("credential=app-29");
  });

  test("says that nobody called one", async () => {
    collector.mood = "silent";
    await page.goto(`${collector.url}/?view=models`);
    await page.waitForSelector("body[data-state=empty]");
    expect(await page.locator("#spenders .note").textContent()).toContain("Nobody called a language model");
    expect(await page.locator("#views").isVisible()).toBe(true);
  });

  test.each([
    ["light", 1440],
    ["dark", 1440],
    ["light", 390],
  ] as const)("has nothing that axe finds, in %s, %i wide", async (scheme, width) => {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 844 });
    await open();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() =>
      (
        globalThis as unknown as {
          axe: { run(): Promise<{ violations: { id: string; nodes: unknown[] }[] }> };
        }
      ).axe.run(),
    );
    expect(violations.map(({ id, nodes }) => [id, nodes])).toEqual([]);
  });
});
