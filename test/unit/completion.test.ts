import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { modelgate } from "../support/modelgate.ts";
import { missingPrograms } from "../support/registry.ts";

const MODELGATE = fileURLToPath(new URL("tools/cli/modelgate.ts", PROJECT_ROOT));
const folder = mkdtempSync(join(tmpdir(), "modelgate-completion-"));
writeFileSync(join(folder, "tenant.yaml"), "");
afterAll(() => rmSync(folder, { recursive: true }));

const CASES: [words: string[], found: string[]][] = [
  [["rend"], ["render"]],
  [
    ["rollout", "sta"],
    ["start", "status"],
  ],
  [["rollout", "start", "--gat"], ["--gateway"]],
  [["get", "t"], ["tenants"]],
  [
    ["apply", "--wait", "--dry-run", ""],
    ["client", "none", "server"],
  ],
  [["render", "-o", "j"], ["json"]],
  [["apply", "-f", "ten"], ["tenant.yaml"]],
  // From the cluster.
  [["get", "tenant", "se"], ["search"]],
  [["delete", "modeltasks", "ra"], ["ranking"]],
  [["status", "se"], ["search"]],
  [["logs", "--tenant", "se"], ["search"]],
  [["rollout", "start", "--gateway", "sea"], ["search/gateway"]],
  [["logs", "--task", "6"], ["666"]],
];

/** A modelgate that has a cluster, and must be told for how long to ask it. */
const STUB = `#!/bin/sh
[ "$3 $4" = "--timeout 3" ] || exit 1
case "$2" in
  tenants) printf 'NAME   GATEWAY\\nsearch   search/gateway\\n' ;;
  modeltasks) printf 'NAMESPACE   NAME   TASKID\\nsearch   ranking   666\\n' ;;
esac
`;
writeFileSync(join(folder, "modelgate"), STUB, { mode: 0o755 });

const bash = (words: string[]) =>
  `COMP_WORDS=(modelgate ${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}; _modelgate; echo "\${COMPREPLY[*]}"; echo ---`;

/** What makes each shell, not interactive, say what would complete some words. */
const SHELLS = {
  bash: { options: ["-c"], before: "", ask: bash },
  // bashcompinit calls such functions as sh.
  zsh: { options: ["-f", "-c"], before: "emulate sh; ", ask: bash },
  fish: {
    options: ["-N", "-c"],
    before: "",
    ask: (words: string[]) => `complete -C 'modelgate ${words.join(" ")}'; echo ---`,
  },
};

for (const [shell, { options, before, ask }] of Object.entries(SHELLS)) {
  const missing = missingPrograms(shell);
  if (missing.length > 0) console.warn(`completion in ${shell} is not tested: install ${shell}`);

  it.skipIf(missing.length > 0)(`${shell} completes commands, options, values and files`, () => {
    const script = join(folder, shell);
    writeFileSync(script, execFileSync(process.execPath, [MODELGATE, "completion", shell]));
    // Not everybody has one: macOS does not.
    expect(readFileSync(script, "utf8")).not.toMatch(/(?<!--)timeout \d/);
    const asked = CASES.map(([words]) => ask(words)).join("; ");
    const output = execFileSync(shell, [...options, `source ${script}; ${before}${asked}`], {
      cwd: folder,
      env: { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` },
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
    const answers = output.split("---\n").slice(0, -1);
    expect(answers).toHaveLength(CASES.length);
    CASES.forEach(([words, found], index) => {
      // fish puts a description behind each word; zsh leaves it to its completion system to filter.
      const answer = (answers[index] as string)
        .split("\n")
        .flatMap((line) => (line.split("\t")[0] as string).split(" "));
      const start = words.at(-1) as string;
      const fitting = answer.filter((word) => word.startsWith(start) && !["", "--help"].includes(word));
      expect(fitting.sort(), words.join(" ")).toEqual(found);
    });
  });
}

it("get --timeout ends where the cluster is silent", async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket));
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const kubeconfig = join(folder, "config");
  const cluster = { name: "silent", cluster: { server: `https://127.0.0.1:${port}` } };
  const context = { name: "silent", context: { cluster: "silent", user: "nobody" } };
  const users = [{ name: "nobody", user: {} }];
  const config = { clusters: [cluster], contexts: [context], users, "current-context": "silent" };
  writeFileSync(kubeconfig, JSON.stringify(config));
  const { code, stderr } = await modelgate(["get", "tenants", "--timeout", "1", "--kubeconfig", kubeconfig]);
  for (const socket of sockets) socket.destroy();
  silent.close();
  expect([code, stderr]).toEqual([1, "modelgate: the cluster did not answer within 1 s\n"]);
});
