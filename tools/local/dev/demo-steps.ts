import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { cpuMicroseconds } from "../../lib/envoy/cpu.ts";
import type { LocalGateway } from "./gateway.ts";

/** Longer than Envoy keeps access log lines before it writes them out. */
const LOG_FLUSH_MS = 300;
const LOG_LINES = 4;

/** What came back. */
export interface Answer {
  status: number;
  text: string;
}

/** The steps of a demo: each sends something, prints what came back, and knows what should have. */
export class DemoSteps {
  private readonly gateway: LocalGateway;
  private readonly results: boolean[] = [];

  constructor(gateway: LocalGateway) {
    this.gateway = gateway;
  }

  /**
   * Sends requests and prints the answer, with its time and what Envoy used.
   * @param wanted its HTTP status
   */
  async step(title: string, wanted: number, send: () => Promise<Answer>): Promise<Answer> {
    const { pid } = this.gateway.envoy;
    const cpu = pid && (await cpuMicroseconds(pid));
    const started = performance.now();
    const answer = await send();
    const ms = (performance.now() - started).toFixed(1);
    const used = pid && cpu !== undefined && (await cpuMicroseconds(pid)) - cpu;
    const cost = used ? ` (Envoy used ${(used / 1000).toFixed(1)} ms of CPU)` : "";
    this.results.push(answer.status === wanted);
    console.log(`${title}\n  ${answer.status} in ${ms} ms${cost}`);
    console.log(`  ${answer.text.trim().slice(0, 160)}`);
    return answer;
  }

  /**
   * Sends the same request many times at once, over a limit; prints the last refusal, and how many there
   * were.
   */
  async burst(title: string, count: number, send: () => Promise<Response>): Promise<void> {
    let counts = "";
    await this.step(title, 429, async () => {
      const answers = await Promise.all(Array.from({ length: count }, send));
      const refused = answers.filter((response) => response.status === 429);
      const texts = await Promise.all(answers.map((response) => response.text()));
      counts = `  ${answers.length - refused.length} answered, ${refused.length} refused`;
      const last = answers.findLastIndex((response) => response.status === 429);
      return { status: answers[last]?.status ?? 0, text: texts[last] ?? "" };
    });
    console.log(counts);
  }

  /** Prints the first lines of the access log. */
  async log(): Promise<void> {
    await sleep(LOG_FLUSH_MS);
    const lines = (await readFile(this.gateway.accessLog, "utf8")).trim().split("\n");
    console.log(`\nThe access log, its first ${LOG_LINES} of ${lines.length} lines`);
    for (const line of lines.slice(0, LOG_LINES)) console.log(`  ${line}`);
  }

  /** Was all as it should be? */
  get passed(): boolean {
    return this.results.every(Boolean);
  }
}
