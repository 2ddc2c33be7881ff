import { fileURLToPath } from "node:url";
import { findChromium, launchChromium } from "./support/browser.ts";
import { startFakeCollector } from "./support/fake-collector.ts";

/** Takes the pictures of the page in docs/operate, with the made-up fleet of the tests. */

const chromium = findChromium();
if (chromium === undefined) throw new Error("install Debian chromium, or set CHROMIUM to one");
const collector = await startFakeCollector(1_000);
const browser = await launchChromium(chromium);
for (const [name, query, colorScheme] of [
  ["page-fleet", "", "light"],
  ["page-task", "?tenant=search&task=666", "dark"],
] as const) {
  const page = await browser.newPage({ viewport: { width: 1320, height: 990 }, colorScheme });
  await page.goto(`${collector.url}/${query}`);
  await page.waitForSelector("body[data-state=ready]");
  await page.waitForTimeout(500);
  await page.screenshot({ path: fileURLToPath(new URL(`../../docs/operate/${name}.png`, import.meta.url)) });
  await page.close();
}
await browser.close();
await collector.stop();
