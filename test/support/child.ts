import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { until } from "./until.ts";

const MODELGATE = fileURLToPath(new URL("tools/cli/modelgate.ts", PROJECT_ROOT));
const MODEL = fileURLToPath(new URL("test/support/model-process.ts", PROJECT_ROOT));

/** A program of this project in a process of its own. It ends with this one. */
export class Child {
  /** Of the command, which must not take a core from what is measured: in a cluster it would have one of its own. */
  static niceness = 0;
  readonly process: ChildProcess;
  private readonly lines: string[] = [];
  private readonly exited: Promise<void>;

  private constructor(args: string[], niceness: number, before: string[] = []) {
    const [command = "", ...rest] = [...before, "nice", "-n", String(niceness), process.execPath, ...args];
    this.process = spawn(command, rest, { stdio: ["ignore", "pipe", "pipe"] });
    const kill = () => this.process.kill("SIGKILL");
    process.once("exit", kill);
    this.exited = new Promise((resolve) => {
      this.process.once("close", () => {
        process.off("exit", kill);
        resolve();
      });
    });
    for (const stream of [this.process.stdout, this.process.stderr])
      if (stream) createInterface({ input: stream }).on("line", (line) => this.lines.push(line));
  }

  static modelgate(...args: string[]): Child {
    return new Child([MODELGATE, ...args], Child.niceness);
  }

  /** Another program of this project, by its path. @param command what to put in front, such as `nice` */
  static program(path: string, args: string[] = [], command: string[] = []): Child {
    return new Child([fileURLToPath(new URL(path, PROJECT_ROOT)), ...args], 0, command);
  }

  /** See test/support/model-process.ts. */
  static model(...args: number[]): Child {
    return new Child([MODEL, ...args.map(String)], 0);
  }

  /** The first group of the pattern in a line that it prints. @throws Error with what it printed, when it ends or 60 s pass */
  async printed(pattern: RegExp): Promise<string> {
    const message = () => `no line with ${pattern}: ${this.lines.join("\n")}`;
    const found = () => {
      for (const line of this.lines) {
        const [, group] = pattern.exec(line) ?? [];
        if (group !== undefined) return { group };
      }
      if (this.process.exitCode !== null) throw new Error(message());
      return undefined;
    };
    return (await until(found, { withinMs: 60_000, message })).group;
  }

  /** Waits for its end. @returns its exit code */
  async ended(): Promise<number | null> {
    await this.exited;
    return this.process.exitCode;
  }

  /** SIGTERM, and waits for its end. */
  async stop(): Promise<void> {
    this.process.kill("SIGTERM");
    await this.exited;
  }
}
