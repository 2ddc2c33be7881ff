import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { startTestCollector, testFolder } from "../support/collector/start.ts";
import { faultsOf, findChromium, launchChromium } from "./support/browser.ts";

const chromium = findChromium();
const REQUESTS = 3_000;

/** Requests of the last ten minutes: every tenth is refused, every fiftieth fails. */
function lines(): string {
  const end = Math.floor(Date.now() / 60_000) * 60_000;
  return Array.from({ length: REQUESTS }, (_, i) => {
    const refused = i % 10 === 0;
    return `${JSON.stringify({
      start_time: new Date(end - 600_000 + i * 200).toISOString(),
      duration: refused ? 0 : 20 + (i % 80),
      response_code: refused ? 429 : i % 50 === 7 ? 503 : 200,
      ...(refused && { decision: "refused", reason: "task_rate_limited" }),
      ...{ bytes_received: 100, bytes_sent: 50, hostname: "gateway-a", request_id: `request-${i}` },
      ...{ gateway: "search-ingress/search-gateway", tenant: "search", taskid: "666", version: "v1" },
    })}\n`;
  }).join("");
}

describe.skipIf(chromium === undefined)("the page on a real collector", () => {
  test("shows what the log holds", async () => {
    const folder = await testFolder();
    await writeFile(join(folder, "access.log"), lines());
    const browser = await launchChromium(chromium as string);
    try {
      const collector = await startTestCollector(folder);
      const { url } = collector;
      const event = { type: "rollout", reason: "RolloutStarted", message: "step 5 %", tenant: "search" };
      const time = new Date(Date.now() - 300_000).toISOString();
      await fetch(`${url}/api/v1/events`, { method: "POST", body: JSON.stringify({ time, ...event }) });
      await vi.waitFor(async () => expect(await collector.requests()).toBe(REQUESTS), 15_000);
      const page = await browser.newPage();
      const faults = faultsOf(page);
      await page.goto(`${url}/?range=15m&tenant=search&task=666`);
      await page.waitForSelector("body[data-state=ready]");
      const tiles = await page.locator(".tile strong").allTextContents();
      expect(tiles.slice(1, 4)).toEqual(["2 %", "0 %", "10 %"]);
      expect(await page.locator("#table .row").first().textContent()).toContain(
        "search-ingress/search-gateway",
      );
      expect(await page.locator("#lines .rows").textContent()).toContain("task_rate_limited");
      expect(await page.getByRole("button", { name: /RolloutStarted/ }).count()).toBe(1);
      expect(await page.locator("#refusals .u-legend").textContent()).toContain("task_rate_limited");
      expect(faults).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
