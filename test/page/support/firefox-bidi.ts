#!/usr/bin/env node
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { WebSocket, WebSocketServer } from "ws";

/**
 * Starts the Firefox at `$FIREFOX_PATH` for Playwright, and stands between the two: Playwright asks for emulations of WebDriver BiDi that an
 * older Firefox has no command for, and these are answered as if done. Everything else passes as it is.
 */

const UNKNOWN = new Set(["emulation.setMediaFeaturesOverride"]);
const LISTENING = /^WebDriver BiDi listening on (ws:\/\/\S+)/;

const firefox = spawn(process.env.FIREFOX_PATH as string, process.argv.slice(2), {
  stdio: ["inherit", "inherit", "pipe"],
});
firefox.once("exit", (code) => process.exit(code ?? 1));
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => firefox.kill(signal));
createInterface({ input: firefox.stderr }).on("line", (line) => {
  const url = LISTENING.exec(line)?.[1];
  if (url === undefined) console.error(line);
  else serve(url);
});

function serve(url: string): void {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("listening", () => {
    const { port } = server.address() as { port: number };
    console.error(`WebDriver BiDi listening on ws://127.0.0.1:${port}`);
  });
  server.on("connection", (client, { url: path }) => {
    const browser = new WebSocket(`${url}${path === "/" ? "" : path}`, { maxPayload: 256 << 20 });
    const waiting: string[] = [];
    browser.on("open", () => {
      for (const text of waiting.splice(0)) browser.send(text);
    });
    browser.on("message", (data) => client.send(data.toString()));
    browser.on("close", () => client.close());
    client.on("close", () => browser.close());
    client.on("message", (data) => {
      const text = data.toString();
      const { id, method } = JSON.parse(text) as { id: number; method: string };
      if (UNKNOWN.has(method)) client.send(JSON.stringify({ type: "success", id, result: {} }));
      else if (browser.readyState === WebSocket.OPEN) browser.send(text);
      else waiting.push(text);
    });
  });
}
