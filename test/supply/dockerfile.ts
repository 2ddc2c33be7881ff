import { execFile } from "node:child_process";
import { cp, mkdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Carries out the FROM, WORKDIR, COPY and RUN of a Dockerfile in folders, where no container engine runs: what comes with the base image
 * is this machine's. Instructions must be on one line each.
 * @param context the folder that is built
 * @param out where the stages go
 * @returns the working directory of the last stage
 */
export async function buildInFolders(dockerfile: string, context: string, out: string): Promise<string> {
  let stage = "";
  let workdir = "";
  let count = 0;
  const place = (path: string) => join(workdir, path.replace(/^\/+/, ""));
  for (const line of (await readFile(dockerfile, "utf8")).split("\n")) {
    const [, instruction, rest = ""] = /^(FROM|WORKDIR|COPY|RUN) (.+)$/.exec(line) ?? [];
    if (instruction === "FROM") stage = join(out, / AS (\S+)$/.exec(rest)?.[1] ?? `stage-${count++}`);
    if (instruction === "WORKDIR") workdir = join(stage, rest);
    if (instruction === "FROM" || instruction === "WORKDIR")
      await mkdir(workdir || stage, { recursive: true });
    if (instruction === "COPY") {
      const [, from, paths = ""] = /^(?:--from=(\S+) )?(.+)$/.exec(rest) ?? [];
      const sources = paths.split(" ");
      const target = sources.pop() as string;
      for (const source of sources)
        await cp(
          join(from === undefined ? context : join(out, from), source),
          place(target.endsWith("/") ? `${target}${basename(source)}` : target),
          { recursive: true, verbatimSymlinks: true },
        );
    }
    if (instruction === "RUN") await run("sh", ["-c", rest], { cwd: workdir, maxBuffer: 1e8 });
  }
  return workdir;
}
