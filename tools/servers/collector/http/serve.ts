import { type Listener, listen } from "../../http/listener.ts";
import type { CollectorOptions } from "../options.ts";
import { ownNames } from "./foreign.ts";
import { handler, nothing, type Route } from "./handler.ts";
import { page } from "./page.ts";
import { batchRoutes } from "./routes.ts";

/** Serves all routes and the page, and batches alone where there is an address for them. */
export async function serve(
  all: Record<string, Route>,
  { listen: address, allowHosts = [], listenBatches, readerTokens, tls, log }: CollectorOptions,
): Promise<{ url: string; close(): Promise<void> }> {
  const onFault = (error: unknown) => log.error({ err: error }, "a request failed");
  const names = ownNames(address.host, allowHosts);
  const read = readerTokens?.guard(all) ?? all;
  const rest = readerTokens?.forAny(page) ?? page;
  const listeners: Listener[] = [await listen(address, handler(read, rest, onFault, names), tls)];
  if (listenBatches)
    listeners.push(await listen(listenBatches, handler(batchRoutes(all), nothing, onFault), tls));
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return {
    url: `${tls === undefined ? "http" : "https"}://${host}:${listeners[0]?.port}`,
    async close() {
      await Promise.all(listeners.map((listener) => listener.close()));
    },
  };
}
