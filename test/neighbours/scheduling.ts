import { execFileSync } from "node:child_process";

/**
 * Who runs where. The model of the attacked task comes after the others: processes of one rank take turns of
 * 100 ms. Envoy has the first core for itself; models, callers and the attacker share the second, in
 * this order: an attacker is on a machine of its own, so what it computes must not take a core from what is
 * measured. The Envoy that stands in for the attacked one has what the latter leaves.
 */
const RANKS = { envoy: 30, standIn: 10, model: 30, attackedModel: 20, caller: 40 } as const;
const CORES = { envoy: 0, standIn: 0, model: 1, attackedModel: 1, caller: 1, attacker: 1 } as const;
export type Role = keyof typeof CORES;

/** Real-time priorities keep other work of a shared machine out of the measurement; they need root. */
export const realTime = works("chrt", ["-r", "1", "true"]);

/**
 * Runs a command as `role`: what to put in front of it. The attacker has no priority of real time: processes
 * that have one are held up for 50 ms of a second when they leave no time to others, and all of them together.
 */
export function as(role: Role): string[] {
  const core = ["taskset", "-c", String(CORES[role])];
  if (role === "attacker") return [...core, "nice", "-n", realTime ? "-20" : "19"];
  return realTime ? [...core, "chrt", "-r", String(RANKS[role])] : core;
}

/** Makes a running process, with all its threads, one of `role`. */
export function settle(pid: number, role: Exclude<Role, "attacker">): void {
  execFileSync("taskset", ["-acp", String(CORES[role]), String(pid)], { stdio: "pipe" });
  if (realTime) execFileSync("chrt", ["-a", "-r", "-p", String(RANKS[role]), String(pid)], { stdio: "pipe" });
}

/** Why the lane can't run here; undefined when it can. */
export function lacking(): string | undefined {
  const missing = ["taskset", "chrt", "h2load"].filter(
    (program) => !works("sh", ["-c", `command -v ${program}`]),
  );
  if (missing.length > 0) return `install ${missing.join(", ")} (Debian: util-linux, nghttp2-client)`;
  return works("taskset", ["-c", "1", "true"]) ? undefined : "it needs two cores";
}

function works(command: string, args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "pipe" });
    return true;
  } catch {
    return false;
  }
}
