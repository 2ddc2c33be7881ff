import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { Child } from "../support/child.ts";
import { fences, pages } from "../support/markdown.ts";

const PAGE = "docs/start/language-model.md";
const root = fileURLToPath(PROJECT_ROOT);
const run = promisify(execFile);

/** The page's command that begins so, with the port and the program of this run. */
function command(start: string, port: string): string {
  const page = pages().find(({ path }) => path === PAGE)?.text ?? "";
  const bodies = fences(page).map(({ body }) => body.replaceAll("\\\n", " "));
  const line = bodies.flatMap((body) => body.split("\n")).find((each) => each.startsWith(start));
  if (line === undefined) throw new Error(`${PAGE} has no ${start}`);
  return line.replaceAll("8866", port).replace(/^modelgate/, `${process.execPath} tools/cli/modelgate.ts`);
}

it("npm start -- --llm gets every answer that it expects", async () => {
  const { stdout } = await run("npm", ["start", "--silent", "--", "--llm"], { cwd: root });
  expect(stdout).toContain("its first token came after");
  expect(stdout).toMatch(/429 in [\s\S]*over its request rate[\s\S]*answered, \d+ refused/);
});

it("the page's commands run one after the other", async () => {
  const gateway = Child.modelgate("dev", "--llm", "--port", "0");
  try {
    const port = await gateway.printed(/serves http:\/\/127\.0\.0\.1:(\d+)/);
    const { stdout } = await run("sh", ["-c", command("curl -N", port)], { cwd: root });
    expect(stdout.match(/"content":/g)?.length).toBeGreaterThan(10);
    expect(stdout.trimEnd().endsWith("data: [DONE]")).toBe(true);
    const quick = " --duration 1s --from 5 --growth 4";
    const loadtest = await run("sh", ["-c", command("modelgate loadtest", port) + quick], {
      cwd: root,
    }).catch((error: { stdout: string }) => error);
    expect(loadtest.stdout).toContain("TTFT P99 MS");
  } finally {
    await gateway.stop();
  }
});
