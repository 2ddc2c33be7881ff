import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { scriptPath } from "../../lib/installation.ts";
import type { Request, Response } from "../http/http.ts";

const FOLDER = new URL("page/", import.meta.url);
const CONTENT_TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".ts": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** The package holds JavaScript, and has no need of this. */
const { transformSync } = import.meta.url.endsWith(".ts") ? await import("amaro") : {};

interface Asset {
  body: Buffer;
  headers: Record<string, string>;
}

/**
 * Serves the collector's page: `/` and what it loads from `/page/`. Its TypeScript, which the package has as
 * JavaScript, is sent without its types; nothing comes from another host.
 * @returns a handler that answers the requests for the page and returns false for all others
 */
export function pageHandler(): (request: Request, response: Response) => boolean {
  const assets = new Map<string, Asset | undefined>();
  return (request, response) => {
    const path = (request.url ?? "").replace(/\?.*/s, "");
    if (request.method !== "GET" && request.method !== "HEAD") return false;
    if (path !== "/" && !path.startsWith("/page/")) return false;
    if (!assets.has(path) && assets.size < 100) assets.set(path, load(path));
    const asset = assets.get(path);
    if (asset === undefined) return false;
    const { body, headers } = asset;
    const isFresh = request.headers["if-none-match"] === headers.etag;
    response.statusCode = isFresh ? 304 : 200;
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (!isFresh) response.setHeader("content-length", body.length);
    response.end(isFresh || request.method === "HEAD" ? "" : body);
    return true;
  };
}

function load(path: string): Asset | undefined {
  const file = fileOf(path);
  if (file === undefined) return undefined;
  let body: Buffer;
  try {
    body = readFileSync(file);
  } catch {
    return undefined;
  }
  const type = extname(file);
  if (type === ".ts") body = Buffer.from(withoutTypes(body.toString()));
  const headers: Record<string, string> = {
    "content-type": CONTENT_TYPES[type] ?? "application/octet-stream",
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
    etag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`,
  };
  if (type === ".html") headers["content-security-policy"] = contentSecurityPolicy(body.toString());
  return { body, headers };
}

function fileOf(path: string): string | undefined {
  if (path === "/") return fileURLToPath(new URL("index.html", FOLDER));
  const name = path.slice("/page/".length);
  if (name === "uplot.js") return fileURLToPath(import.meta.resolve("uplot/dist/uPlot.esm.js"));
  if (name === "uplot.css") return fileURLToPath(import.meta.resolve("uplot/dist/uPlot.min.css"));
  if (name === "main.ts") return scriptPath("tools/servers/collector/page/main");
  return /^[a-z][a-z-]*\.(ts|js|css|svg)$/.test(name) ? fileURLToPath(new URL(name, FOLDER)) : undefined;
}

/**
 * Only what the collector serves may run; the one inline script, the import map, is let through by its hash.
 */
function contentSecurityPolicy(html: string): string {
  const hashes = [...html.matchAll(/<script type="importmap">([\s\S]*?)<\/script>/g)].map(
    ([, script]) =>
      `'sha256-${createHash("sha256")
        .update(script as string)
        .digest("base64")}'`,
  );
  return `default-src 'none'; script-src 'self' ${hashes.join(" ")}; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`;
}

function withoutTypes(text: string): string {
  return transformSync?.(text, { mode: "strip-only" }).code ?? text;
}
