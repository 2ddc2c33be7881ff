import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, firefox, type Page } from "playwright-core";

export interface FoundBrowser {
  name: "Chromium" | "Firefox";
  path: string;
}

const NAMES: [FoundBrowser["name"], string | undefined, string[]][] = [
  ["Chromium", process.env.CHROMIUM, ["chromium", "chromium-browser", "google-chrome"]],
  ["Firefox", process.env.FIREFOX, ["firefox-esr", "firefox"]],
];

/** The browsers of this machine: `$CHROMIUM` and `$FIREFOX`, or those on PATH. */
export function findBrowsers(): FoundBrowser[] {
  return NAMES.flatMap(([name, given, commands]) => {
    const path = given || commands.map(onPath).find(Boolean);
    return path ? [{ name, path }] : [];
  });
}

export function findChromium(): string | undefined {
  return findBrowsers().find(({ name }) => name === "Chromium")?.path;
}

function onPath(command: string): string | undefined {
  try {
    return execFileSync("sh", ["-c", `command -v ${command}`], { encoding: "utf8" }).trim();
  } catch {
    return undefined;
  }
}

const FIREFOX_BIDI = fileURLToPath(new URL("firefox-bidi.ts", import.meta.url));

/** A browser without a window. Firefox is the distribution's own, over WebDriver BiDi. */
export function launch({ name, path }: FoundBrowser): Promise<Browser> {
  if (name === "Chromium") return launchChromium(path);
  const env = { ...process.env, FIREFOX_PATH: path, HOME: tmpdir() };
  return firefox.launch({ channel: "moz-firefox", executablePath: FIREFOX_BIDI, env });
}

/** Chromium's own sandbox does not start for root, nor in many containers. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
}

/** What goes wrong on a page from now on: exceptions, and errors on its console. */
export function faultsOf(page: Page): string[] {
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  return faults;
}
