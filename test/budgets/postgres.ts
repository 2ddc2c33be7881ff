import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/until.ts";

const INSTALLED = "/usr/lib/postgresql";
/** Debian's user of the server, which runs as no root. */
const USER = "postgres";

/** Folder of the newest server's programs; undefined without one. */
export function postgresPrograms(): string | undefined {
  if (!existsSync(INSTALLED)) return undefined;
  const version = readdirSync(INSTALLED).toSorted((a, b) => Number(b) - Number(a))[0];
  return version && join(INSTALLED, version, "bin");
}

/** A PostgreSQL of the test's own, on 127.0.0.1, whose process can be killed. */
export class Postgres {
  private readonly programs: string;
  private readonly folder = mkdtempSync(join(tmpdir(), "modelgate-postgres-"));
  private server: ChildProcess | undefined;
  private port = 0;

  constructor(programs: string) {
    this.programs = programs;
  }

  get url(): string {
    return `postgres://${USER}@127.0.0.1:${this.port}/postgres`;
  }

  async create(): Promise<void> {
    const owner = this.owner();
    if (owner) chownSync(this.folder, owner.uid, owner.gid);
    const args = ["-D", join(this.folder, "data"), "--auth", "trust", "--username", USER];
    execFileSync(join(this.programs, "initdb"), args, { stdio: "pipe", ...owner, cwd: this.folder });
    this.port = await freePort();
    await this.start();
  }

  /** Starts the server, also after `kill`, when what it left may be in the way for a moment. */
  async start(): Promise<void> {
    const message = "PostgreSQL takes no connections";
    await until(
      () => {
        if (this.server === undefined || this.server.exitCode !== null) this.spawn();
        return this.isReady();
      },
      { message, everyMs: 100 },
    );
  }

  /** Runs SQL as another client would. @returns what psql prints */
  sql(text: string): string {
    return execFileSync(join(this.programs, "psql"), [this.url, "-qAt", "-c", text], { encoding: "utf8" });
  }

  private spawn(): void {
    const settings = ["-c", "listen_addresses=127.0.0.1", "-c", `unix_socket_directories=${this.folder}`];
    const args = ["-D", join(this.folder, "data"), "-p", String(this.port), ...settings];
    this.server = spawn(join(this.programs, "postgres"), args, {
      ...{ stdio: "ignore", cwd: this.folder, ...this.owner() },
    });
  }

  /** kill -9, of the server and so of all that it serves. */
  async kill(): Promise<void> {
    const { server } = this;
    if (!server) return;
    const ended = once(server, "exit");
    server.kill("SIGKILL");
    await ended;
    this.server = undefined;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private isReady(): boolean {
    try {
      execFileSync(join(this.programs, "pg_isready"), ["-h", "127.0.0.1", "-p", String(this.port)], {
        stdio: "pipe",
      });
      return true;
    } catch {
      return false;
    }
  }

  /** Whose the server is; undefined where this user may run it itself. */
  private owner(): { uid: number; gid: number } | undefined {
    if (process.getuid?.() !== 0) return undefined;
    const id = (flag: string) => Number(execFileSync("id", [flag, USER], { encoding: "utf8" }));
    return { uid: id("-u"), gid: id("-g") };
  }
}
