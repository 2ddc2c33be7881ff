import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const MODELGATE = fileURLToPath(new URL("../../../tools/cli/modelgate.ts", import.meta.url));

/** `modelgate collector` in a process of its own. */
export class CollectorProcess {
  readonly url: string;
  readonly log: string[];
  readonly child: ChildProcess;

  private constructor(child: ChildProcess, url: string, log: string[]) {
    this.child = child;
    this.url = url;
    this.log = log;
  }

  /** Resolves when it serves. */
  static async start(args: string[]): Promise<CollectorProcess> {
    const child = spawn(process.execPath, [MODELGATE, "collector", "--listen", "127.0.0.1:0", ...args], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const log: string[] = [];
    const lines = createInterface({ input: child.stderr });
    return new Promise((resolve, reject) => {
      lines.on("line", (line) => {
        log.push(line);
        const url = /"url":"([^"]+)"/.exec(line)?.[1];
        if (url !== undefined) resolve(new CollectorProcess(child, url, log));
      });
      child.once("exit", () => reject(new Error(`the collector ended: ${log.join("\n")}`)));
    });
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, "exit");
    this.child.kill(signal);
    await exit;
  }

  async json<T>(path: string): Promise<T> {
    const response = await fetch(this.url + path);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  async lines(query: string): Promise<Record<string, unknown>[]> {
    const text = await (await fetch(`${this.url}/api/v1/logs?${query}`)).text();
    return text
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }
}
