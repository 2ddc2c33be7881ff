import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";

interface Answer {
  stdout: string;
  stderr: string;
  ok: boolean;
}

function npm(...args: string[]): Promise<Answer> {
  return new Promise((resolve) => {
    execFile("npm", args, { cwd: fileURLToPath(PROJECT_ROOT), maxBuffer: 1e8 }, (error, stdout, stderr) =>
      resolve({ stdout, stderr, ok: error === null }),
    );
  });
}

/** The last thing that npm complains of. */
function complaint({ stderr }: Answer): string {
  const lines = stderr
    .split("\n")
    .filter((line) => /^npm (warn|error)/.test(line) && !line.includes("log of this run"));
  return lines[0]?.replace(/^npm (warn|error) /, "") ?? stderr;
}

it("no package that runs in production has a known fault of high severity", async ({ skip }) => {
  const answer = await npm("audit", "--omit=dev", "--audit-level=high", "--json");
  const report = JSON.parse(answer.stdout || "{}");
  if (report.metadata === undefined) skip(`the registry could not be asked: ${complaint(answer)}`);
  const severe = Object.entries<{ severity: string; via: unknown[] }>(report.vulnerabilities).filter(
    ([, { severity }]) => severity === "high" || severity === "critical",
  );
  expect(severe).toEqual([]);
});

it("packages carry the registry's signatures", async ({ skip }) => {
  const answer = await npm("audit", "signatures", "--json");
  if (!answer.stdout.startsWith("{")) skip(`the registry could not be asked: ${complaint(answer)}`);
  const { invalid, missing, error } = JSON.parse(answer.stdout);
  if (error !== undefined) skip(`the registry could not be asked: ${error.summary}`);
  expect({ invalid, missing }).toEqual({ invalid: [], missing: [] });
});
