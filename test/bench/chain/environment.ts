import { execFile } from "node:child_process";
import { cpus, totalmem } from "node:os";
import { promisify } from "node:util";
import type { EnvoySource } from "../../../tools/lib/envoy/find.ts";

/** Where and with what a result was measured. */
export interface Environment {
  /** ISO 8601. */
  date: string;
  machine: string;
  versions: string[];
}

export async function environmentOf(envoy: EnvoySource): Promise<Environment> {
  const program = "program" in envoy ? envoy.program : "envoy";
  const versions = await Promise.all([
    version("Envoy", program, ["--version"], /\/([\d.]+)\//),
    version("h2load", "h2load", ["--version"], /\/([\d.]+)/),
    version("JVM", "java", ["-version"], /version "([^"]+)"/),
    version("Rust", "rustc", ["--version"], /rustc ([\d.]+)/),
    version("Go", "go", ["version"], /go([\d.]+)/),
  ]);
  return {
    date: new Date().toISOString().slice(0, 16).replace("T", " ").concat(" UTC"),
    machine: `${cpus().length} x ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 1e9)} GB`,
    versions: [...versions.filter((each) => each !== undefined), `Node ${process.versions.node}`],
  };
}

/** Its name and version, if it is there. */
async function version(name: string, program: string, args: string[], pattern: RegExp) {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args);
    const found = pattern.exec(`${stdout}${stderr}`)?.[1];
    return found ? `${name} ${found}` : undefined;
  } catch {
    return undefined;
  }
}
