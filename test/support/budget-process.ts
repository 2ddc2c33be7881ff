import { expect } from "vitest";
import { HostProcess } from "../../tools/lib/host/process.ts";
import { Vm } from "../../tools/lib/host/vm.ts";
import type { Reply } from "../../tools/servers/controller/protocol.ts";
import { SECOND } from "./rate-limit-vms.ts";

const CONFIG = {
  rateLimit: {
    tasks: [{ taskid: "1", requestsPerSecond: 100 }],
    controller: { gateway: "search/ingress", cluster: "controller", pod: "gw-1", budgets: true },
  },
};

/** Why nothing was taken, as filters/rate-limit/budget/budget-book.ts says it. */
export const REFUSAL = { none: 0, unknown: 1, short: 2, spent: 3 };

/** VMs of an Envoy process with the module test/wasm/budget-spender.ts, which does what it is told with budgets. */
export class BudgetProcess {
  readonly process = new HostProcess();
  readonly vms: Vm[];

  /** @param module built from test/wasm/budget-spender.ts */
  constructor(module: string, count = 2, config: object = CONFIG) {
    this.vms = Array.from({ length: count }, () => new Vm(module, this.process));
    for (const vm of this.vms) expect(vm.configure(config), vm.logs.join("\n")).toBe(true);
  }

  /** A second passes. @returns the report that a VM sends, if one does */
  report(): { vm: Vm; body: { budgets?: Record<string, unknown> } } | undefined {
    this.process.now += SECOND;
    for (const vm of this.vms) vm.tick();
    const vm = this.vms.find((each) => each.callouts.length > 0);
    return vm && { vm, body: JSON.parse(vm.callouts[0]?.body ?? "") };
  }

  /** A report and its answer. @param reply what the controller says of budgets; undefined: it answers nothing */
  async exchange(reply: (budgets: never) => unknown): Promise<void> {
    const sent = this.report();
    if (!sent) throw new Error("no VM reported");
    const budgets = await reply(sent.body.budgets as never);
    const answer: Partial<Reply> = { apiVersion: "limits.modelgate.dev/v1", generation: 7, full: true };
    if (budgets === undefined) sent.vm.answerCallout(0);
    else sent.vm.answerCallout(200, JSON.stringify({ ...answer, tasks: {}, tenants: {}, budgets }));
    for (const vm of this.vms) vm.tick();
    for (const vm of this.vms) while (vm.callouts.length > 0) vm.answerCallout(0);
  }

  /** Lets a VM do something. @returns what came of it */
  run(vm: number, ...words: (string | number)[]): never {
    const at = this.vms[vm] as Vm;
    const before = at.logs.length;
    at.open({ taskid: "1", "x-budget": words.join(" ") }, true).close();
    const line = at.logs.slice(before).find((each) => each.includes("result "));
    return JSON.parse(line?.slice(line.indexOf("result ") + 7) ?? "") as never;
  }

  take(vm: number, account: string, amount: number): { lease: number; refusal: number } {
    const [lease, refusal] = this.run(vm, "take", account, amount) as [number, number];
    return { lease, refusal };
  }

  state(account: string): {
    left: number;
    remaining: number;
    limit: number;
    warned: number;
    periodLeft: number;
  } {
    return this.run(0, "state", account);
  }
}
