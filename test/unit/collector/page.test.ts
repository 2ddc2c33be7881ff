import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pageHandler } from "../../../tools/servers/collector/page.ts";

let server: Server;
let url: string;

beforeAll(async () => {
  const serve = pageHandler();
  server = createServer((request, response) => {
    if (!serve(request, response)) response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
});

test("the page and all that it loads is there, from here alone", async () => {
  const html = await (await fetch(`${url}/?range=1h`)).text();
  const wanted = [...html.matchAll(/(?:href|src)="(\/page\/[^"]+)"/g)].map(([, path]) => path as string);
  wanted.push("/page/uplot.js");
  for (let i = 0; i < wanted.length; i++) {
    const response = await fetch(url + wanted[i]);
    expect(response.status, wanted[i]).toBe(200);
    const text = await response.text();
    for (const [, name] of text.matchAll(/from "\.\/([a-z-]+\.ts)"/g))
      if (!wanted.includes(`/page/${name}`)) wanted.push(`/page/${name}`);
    expect(text.replaceAll("http://www.w3.org/2000/svg", ""), wanted[i]).not.toMatch(
      /(?:from|src=|href=|url\()\s*["']https?:/,
    );
  }
  expect(wanted.length).toBeGreaterThan(12);
});

test("TypeScript comes without its types", async () => {
  const response = await fetch(`${url}/page/format.ts`);
  expect(response.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  expect(await response.text()).not.toContain(": number");
});

test("an answer that the browser has is not sent again", async () => {
  const first = await fetch(`${url}/page/style.css`);
  const etag = first.headers.get("etag") as string;
  const again = await fetch(`${url}/page/style.css`, { headers: { "if-none-match": etag } });
  expect([first.status, again.status, await again.text()]).toEqual([200, 304, ""]);
});

test("only what the page holds may run", async () => {
  const policy = (await fetch(`${url}/`)).headers.get("content-security-policy");
  expect(policy).toMatch(/^default-src 'none'; script-src 'self' 'sha256-[^']+'; style-src 'self';/);
});

test.each([
  ["GET", "/page/../page.ts"],
  ["GET", "/page/%2e%2e/page.ts"],
  ["GET", "/page/none.ts"],
  ["GET", "/page/"],
  ["GET", "/api/v1/traffic"],
  ["POST", "/"],
])("%s %s is not the page's", async (method, path) => {
  expect((await fetch(url + path, { method })).status).toBe(404);
});
