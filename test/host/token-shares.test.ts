/** A limit on tokens over gateways: filters in two processes, and the controller that splits it, on a clock of the test. */
import { expect, test } from "vitest";
import { HostProcess } from "../../tools/lib/host/process.ts";
import { Vm } from "../../tools/lib/host/vm.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { Gateway } from "../../tools/servers/controller/gateway.ts";
import { noLimits } from "../../tools/servers/controller/limit.ts";
import { report } from "../../tools/servers/controller/protocol.ts";
import { digestOf, KEY } from "../support/auth.ts";

const LIMIT = 10_000;
const BURST = 1000;
const STEP_MS = 10;
/** Of a call: what it may take at most, and what it takes. */
const MOST = 200;
const TAKEN = 100;

const body = JSON.stringify({ model: "llm", messages: [], max_tokens: MOST });
const answer = JSON.stringify({ usage: { prompt_tokens: 40, completion_tokens: TAKEN - 40 } });

/** An Envoy process of two workers. */
class Pod {
  readonly process = new HostProcess();
  private readonly front: Vm;
  private readonly vms: Vm[];
  private calls = 0;
  /** Tokens that calls took. */
  taken = 0;

  constructor(name: string) {
    this.front = new Vm(modulePath("gateway"), this.process);
    this.vms = [1, 2].map(() => new Vm(modulePath("gateway"), this.process));
    for (const vm of [this.front, ...this.vms]) vm.encoding = "latin1";
    const bounds = { maxBodyBytes: 1_000_000, maxHeldBytes: 1_000_000 };
    this.front.configure({
      modelName: { ...bounds, credentialHeaders: ["authorization"], counted: ["llm"] },
    });
    const credentials = [{ id: "app", sha256: digestOf(KEY) }];
    for (const vm of this.vms)
      vm.configure({
        tenantAuth: {
          tenants: [{ tenant: "search", credentials, tasks: [{ task: "*" }] }],
          languageModels: [{ taskid: "llm", models: ["llm"] }],
        },
        rateLimit: { controller: { gateway: "search/ingress", cluster: "controller", pod: name } },
        // Of a limit per replica the configuration has no rate.
        tokenLimit: { tasks: [{ taskid: "llm" }] },
        ...{ protocolConversion: {}, accessLog: {} },
      });
  }

  /** A call that the model answers at once. */
  call(): void {
    const headers = { ":method": "POST", ":path": "/v1/chat/completions", authorization: `Bearer ${KEY}` };
    const before = this.front.open({ ...headers, "content-length": String(body.length) });
    const passed = before.sendRequestBody(Buffer.from(body), 1_000_000);
    const vm = this.vms[this.calls++ % 2] as Vm;
    const stream = vm.open(before.requestHeaders, false, Object.fromEntries(before.filterState));
    before.close();
    if (!stream.reply) {
      stream.sendRequestBody(passed);
      const type: [string, string] = ["content-type", "application/json"];
      stream.respond([[":status", "200"], type], Buffer.from(answer));
      this.taken += TAKEN;
    }
    stream.close();
  }

  /** Once a second: reports and takes its share. */
  report(controller: Gateway, nowMs: number): void {
    for (const vm of this.vms) vm.tick();
    for (const vm of this.vms)
      for (const { body: text } of [...vm.callouts]) {
        const reply = controller.report(report.parse(JSON.parse(text)), nowMs, false);
        if (typeof reply === "object") vm.answerCallout(200, JSON.stringify(reply));
        else vm.answerCallout(0);
      }
  }
}

function start() {
  let generation = 0;
  const controller = new Gateway(() => ++generation);
  const spec = { perSecond: LIMIT, burst: BURST };
  controller.apply({ ...noLimits(), taskTokens: new Map([["llm", spec]]), revoked: [] });
  const pods = [new Pod("gw-1"), new Pod("gw-2")];
  let nowMs = 0;
  /** Offers each pod so many tokens a second. @returns what was taken of each pod, a second */
  const run = (seconds: number, offered: [number, number]): number[] => {
    const before = pods.map(({ taken }) => taken);
    const due = [0, 0];
    for (const end = nowMs + seconds * 1000; nowMs < end; nowMs += STEP_MS)
      pods.forEach((pod, i) => {
        pod.process.now += BigInt(STEP_MS) * 1_000_000n;
        due[i] = (due[i] ?? 0) + ((offered[i] as number) * STEP_MS) / 1000 / TAKEN;
        for (; (due[i] ?? 0) >= 1; due[i] = (due[i] ?? 0) - 1) pod.call();
        // Each reports at a moment of its own.
        if (nowMs % 1000 === i * 300) pod.report(controller, nowMs);
      });
    return pods.map(({ taken }, i) => (taken - (before[i] as number)) / seconds);
  };
  return { run, controller };
}

const sum = (numbers: number[]) => numbers.reduce((all, each) => all + each, 0);

test("two gateways together use the limit and no more, wherever the demand is", () => {
  const { run } = start();
  run(4, [3 * LIMIT, 3 * LIMIT]);
  for (const offered of [
    [3 * LIMIT, 3 * LIMIT],
    [3 * LIMIT, LIMIT / 10],
    [LIMIT / 10, 3 * LIMIT],
    [2 * LIMIT, LIMIT],
  ] as [number, number][]) {
    // Reports and shares follow within some eight seconds; meanwhile it is less and never more.
    expect(sum(run(8, offered))).toBeLessThan(LIMIT * 1.02);
    const used = run(10, offered);
    expect(Math.abs(sum(used) - LIMIT) / LIMIT, `${offered}: ${used.join(" + ")}`).toBeLessThan(0.02);
  }
});

test("the controller knows what they use and refuse", () => {
  const { run, controller } = start();
  run(2, [LIMIT, LIMIT]);
  const limit = controller.limits.taskTokens.get("llm");
  const [used = 0, missed = 0] = [limit?.admitted, limit?.refused];
  run(10, [LIMIT, LIMIT]);
  expect(((limit?.admitted ?? 0) - used) / 10 / LIMIT).toBeCloseTo(1, 1);
  expect((limit?.refused ?? 0) - missed).toBeGreaterThan(0.9 * 10 * LIMIT);
});
