import { describe, expect, it } from "vitest";
import { latencyHistogram } from "../../../tools/serving/loadtest/histogram.ts";
import { cellName, cellsOf, requestsOf } from "../../bench/chain/cells.ts";
import type { ChainResult } from "../../bench/chain/chain.ts";
import { addedChart, latencyChart } from "../../bench/chain/charts.ts";
import { NATIVE, OURS, PLAIN } from "../../bench/chain/gateways.ts";
import { chainMarkdown } from "../../bench/chain/markdown.ts";
import type { ChainTable } from "../../bench/chain/measure.ts";
import { requestOf, tensorFor } from "../../bench/chain/requests.ts";
import { latencyOf, shuffled, spreadOf } from "../../bench/chain/statistics.ts";
import { chainText, rowsOf } from "../../bench/chain/text.ts";
import { holdsTensor } from "../../bench/conversion/cases.ts";

describe("cells", () => {
  it("vary each axis around a centre", () => {
    const cells = cellsOf(false);
    expect(new Set(cells.map(cellName)).size).toBe(cells.length);
    expect(cells.length).toBeLessThan(25);
    for (const call of ["GET", "JSON", "gRPC"] as const) {
      const own = cells.filter((cell) => cell.call === call);
      const values = (axis: "bytes" | "http" | "workers" | "connections") =>
        [...new Set(own.map((cell) => cell[axis]))].toSorted((a, b) => a - b);
      expect(values("bytes")).toEqual(call === "GET" ? [0] : [1e3, 0.6e6, 7.12e6, 20e6]);
      expect(values("http")).toEqual(call === "gRPC" ? [2] : [1, 2]);
      expect(values("workers")).toEqual(call === "gRPC" ? [1] : [1, 2]);
      expect(values("connections")).toEqual(call === "gRPC" ? [1, 32] : [1, 32, 512]);
      expect(own.filter(({ perSecond }) => perSecond)).toHaveLength(1);
    }
  });

  it("are a part of all points", () => {
    const full = cellsOf(true).map(cellName);
    expect(full.length).toBeGreaterThan(60);
    expect(new Set(full).size).toBe(full.length);
    expect(full).toEqual(expect.arrayContaining(cellsOf(false).map(cellName)));
  });

  it("say what they are", () => {
    expect(cellName({ call: "JSON", bytes: 0.6e6, http: 1, workers: 1, connections: 32 })).toBe(
      "JSON 0.6 MB, HTTP/1.1, 1 worker, 32 connections",
    );
    expect(cellName({ call: "GET", bytes: 0, http: 2, workers: 2, connections: 1 })).toBe(
      "no body, HTTP/2, 2 workers, 1 connection",
    );
  });

  it("send a request over each connection at least", () => {
    for (const cell of cellsOf(true)) expect(requestsOf(cell)).toBeGreaterThanOrEqual(cell.connections);
  });
});

describe("requests", () => {
  it.each([
    ["gRPC", 1e3],
    ["gRPC", 0.6e6],
    ["JSON", 0.6e6],
  ] as const)("a %s body has about %d bytes", (call, bytes) => {
    const { body } = requestOf(call, tensorFor(call, bytes), "REST");
    expect(Math.abs((body?.length ?? 0) - bytes)).toBeLessThan(bytes * 0.1);
  });

  it("a gRPC call holds its tensor", () => {
    const tensor = tensorFor("gRPC", 1000);
    const { body = Buffer.alloc(0) } = requestOf("gRPC", tensor, "REST");
    expect(holdsTensor(body, tensor)).toBe(true);
    expect(holdsTensor(body, tensorFor("gRPC", 2000))).toBe(false);
  });
});

describe("statistics", () => {
  it("a spread is median, least and most", () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, least: 1, most: 3 });
    expect(spreadOf([-5])).toEqual({ median: -5, least: -5, most: -5 });
    expect(() => spreadOf([])).toThrow("no round");
  });

  it("any order may come, of all there is", () => {
    const orders = Array.from({ length: 200 }, () => shuffled(["a", "b", "c"]).join(""));
    expect([...new Set(orders)].toSorted()).toEqual(["abc", "acb", "bac", "bca", "cab", "cba"]);
  });

  it("a percentile needs a request above it", () => {
    const histogram = latencyHistogram();
    for (let i = 1; i <= 100; i++) histogram.record(i * 1000);
    const latency = latencyOf(histogram);
    expect(latency).toMatchObject({ requests: 100 });
    expect(latency.p50).toBeCloseTo(50, 0);
    expect(latency.p99).toBeCloseTo(99, 0);
    expect(latency).not.toHaveProperty("p999");
    for (let i = 0; i < 900; i++) histogram.record(1000);
    expect(latencyOf(histogram).p999).toBeCloseTo(99, 0);
  });
});

const cell = { call: "JSON", bytes: 0.6e6, http: 1, workers: 1, connections: 32, perSecond: 20 } as const;
const row = (gateway: string, cpu: number, added: number) => ({
  ...{ gateway, cpu: spreadOf([cpu]), added: spreadOf([added - 10, added, added + 10]) },
  ...{ latency: { requests: 99, p50: 2, p90: 3 }, peakBytes: 95e6 },
});
const table: ChainTable = {
  ...{ cell, requests: 67, rounds: 3, failed: [{ gateway: "Go", reason: "out of memory" }] },
  rows: [row(PLAIN, 400, 0), row(NATIVE, 6400, 6000), row(OURS, 800, 400), row("idle", 390, -10)],
};
const result: ChainResult = {
  tables: [
    table,
    { ...table, cell: { ...cell, connections: 1 }, rows: [row(PLAIN, 1, 0), row(OURS, 9e9, 9e9)] },
  ],
  starts: [{ gateway: OURS, milliseconds: spreadOf([512]), moduleBytes: 300_000 }],
  excluded: [{ gateway: "JVM", reason: "no JDK" }],
};

describe("reports", () => {
  it("compare with the plain proxy and with the native chain", () => {
    expect(rowsOf(table).map((texts) => texts.slice(1))).toEqual([
      ["400 (400 to 400)", "", "", "", "2.00 / 3.00 / - / -", "95"],
      ["6400 (6400 to 6400)", "6000 (5990 to 6010)", "16.00", "", "2.00 / 3.00 / - / -", "95"],
      ["800 (800 to 800)", "400 (390 to 410)", "2.00", "15x", "2.00 / 3.00 / - / -", "95"],
      ["390 (390 to 390)", "-10.0 (-20.0 to 0.0)", "0.97", "", "2.00 / 3.00 / - / -", "95"],
    ]);
  });

  it("say what is left out and why", () => {
    for (const report of [
      chainText(result),
      chainMarkdown(result, { date: "today", machine: "2 x CPU", versions: ["Envoy 1"] }, ["a.svg"]),
    ]) {
      for (const part of ["out of memory", "no JDK", "512", "300000", "3 rounds of 67", "20 a second"])
        expect(report).toContain(part);
    }
  });

  it("say where they were measured", () => {
    const markdown = chainMarkdown(result, { date: "D", machine: "M", versions: ["Envoy 1", "Node 2"] }, [
      "bench-added-cpu.svg",
    ]);
    expect(markdown).toContain("D, M; Envoy 1, Node 2.");
    expect(markdown).toContain("![bench added cpu](bench-added-cpu.svg)");
    expect(markdown).toContain("| gateway.wasm | 800 (800 to 800) |");
  });

  it("draw the cell that is nearest to the centre", () => {
    const svg = addedChart(result);
    expect(svg).toContain(">6.0 ms<");
    expect(svg).toContain(">400 us<");
    expect(svg).not.toContain("9000000");
    expect(latencyChart(result)).toContain(">2.00 / 2.00 ms<");
  });
});
