import { describe, expect, it } from "vitest";
import { rollGateways } from "../lossless/gateways.ts";
import { inProcess } from "../lossless/hooks.ts";
import type { Measured } from "../lossless/load.ts";
import { runScaling } from "../lossless/scaling.ts";

/** `npm run test:lossless` takes longer, and compares latencies. */
const SECONDS = 1;
const lost = (spans: Measured[]) => spans.map(({ name, failed }) => `${name}: ${failed}`);
const none = (spans: Measured[]) => spans.map(({ name }) => `${name}: 0`);
const sum = (spans: Measured[]) => spans.reduce((total, { failed }) => total + failed, 0);

describe("replicas of a model", () => {
  it("come and go without loss", async () => {
    const { spans } = await runScaling(inProcess, 40, SECONDS);
    expect(lost(spans)).toEqual(none(spans));
  });

  it("lose requests without warm-up and drain", async () => {
    const { spans } = await runScaling(undefined, 40, SECONDS);
    expect(sum(spans)).toBeGreaterThan(0);
  });
});

describe("gateways", () => {
  it("are replaced without loss to HTTP/1.1 and HTTP/2 clients", async () => {
    const { http1, http2 } = await rollGateways(inProcess, 40, SECONDS);
    expect([lost(http1), lost(http2)]).toEqual([none(http1), none(http2)]);
  });

  it("lose requests when they end at once", async () => {
    const { http1, http2 } = await rollGateways(undefined, 40, SECONDS);
    expect(sum(http1) + sum(http2)).toBeGreaterThan(0);
  });
});
