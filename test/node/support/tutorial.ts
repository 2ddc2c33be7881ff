import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";
import { program } from "../../cluster/support/programs.ts";
import { fences } from "../../support/markdown.ts";
import { REGISTRY } from "./addresses.ts";
import { MODELGATE_IMAGE } from "./images.ts";

const PAGE = new URL("docs/start/cluster.md", PROJECT_ROOT);
const inProject = (path: string) => fileURLToPath(new URL(path, PROJECT_ROOT));
const DIGEST = /^oci:\S+@sha256:[0-9a-f]{64}$/m;

export interface Outcome {
  command: string;
  code: number;
  stdout: string;
  stderr: string;
}

/** The commands of docs/start/cluster.md, each a line, run as they stand there but for registry and digests. */
export class Tutorial {
  private readonly folder: string;
  private commands: string[];
  /** What was pushed, by digest. */
  filter: string;

  private constructor(folder: string, commands: string[], filter: string) {
    this.folder = folder;
    this.commands = commands;
    this.filter = filter;
  }

  /**
   * @param folder where the commands are run; it gets `manifests` and a program `modelgate`
   * @param filter of a page that was run before, in this folder
   */
  static async open(folder: string, filter = ""): Promise<Tutorial> {
    if (filter) return new Tutorial(folder, [], filter);
    await mkdir(join(folder, "bin"), { recursive: true });
    const modelgate = join(folder, "bin/modelgate");
    await writeFile(
      modelgate,
      `#!/bin/sh\nexec "${process.execPath}" "${inProject("tools/cli/modelgate.ts")}" "$@"\n`,
    );
    await chmod(modelgate, 0o755);
    await symlink(await program("kubernetes-node", "kubectl"), join(folder, "bin/kubectl"));
    await symlink(inProject("manifests"), join(folder, "manifests"));
    const shell = fences(await readFile(PAGE, "utf8")).filter(({ info }) => /^sh\b/.test(info));
    const commands = shell.flatMap(({ body }) => body.split("\n").filter(Boolean));
    return new Tutorial(folder, commands, "");
  }

  /**
   * Runs the next commands up to the first that starts with `prefix`, which is run too. Images that the page
   * builds with a container engine are there already.
   * @returns what this last one printed
   * @throws Error when another one fails, or none starts so
   */
  async runTo(prefix: string): Promise<Outcome> {
    for (let command = this.commands.shift(); command !== undefined; command = this.commands.shift()) {
      if (command.startsWith("docker ")) continue;
      const outcome = await this.run(command);
      this.filter ||= DIGEST.exec(outcome.stdout)?.[0] ?? "";
      if (command.startsWith(prefix)) return outcome;
      if (outcome.code !== 0)
        throw new Error(`${command}: ${outcome.code}\n${outcome.stdout}${outcome.stderr}`);
    }
    throw new Error(`docs/start/cluster.md has no further command that starts with ${prefix}`);
  }

  /** Commands that were not run. */
  get left(): string[] {
    return this.commands;
  }

  /** One more command, with the page's names for registry and digests. */
  run(written: string): Promise<Outcome> {
    const command = written
      .replace("registry.example/modelgate@sha256:0f1e...", MODELGATE_IMAGE)
      .replace("oci://registry.example/modelgate/gateway@sha256:0f1e...", this.filter)
      .replace(/(?<=push .*)oci:\/\/registry\.example\/(\S+)/, `--plain-http oci://${REGISTRY}/$1`);
    const env = { ...process.env, PATH: `${join(this.folder, "bin")}${delimiter}${process.env.PATH}` };
    return new Promise((resolve) => {
      execFile(
        "sh",
        ["-c", command],
        { cwd: this.folder, env, maxBuffer: 1 << 26 },
        (error, stdout, stderr) => resolve({ command, code: error ? Number(error.code) : 0, stdout, stderr }),
      );
    });
  }
}
