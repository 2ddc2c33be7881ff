import { expect, it } from "vitest";
import { runSteps, type Step } from "../support/steps.ts";

const script = (code: string): Step => [process.execPath, "-e", code];
const said = (written: string[]) => written.join("").replaceAll(/\d+\.\d s\n/g, "T\n");

it("runs commands side by side, and writes what each says whole", async () => {
  const written: string[] = [];
  const speaks = (name: string) =>
    script(`console.log("${name} 1"); setTimeout(() => console.error("${name} 2"), 10)`);
  const passed = await runSteps([speaks("a"), speaks("b")], { write: (text) => written.push(text) });
  expect(passed).toBe(true);
  expect(written).toHaveLength(2);
  for (const name of ["a", "b"]) expect(said(written)).toContain(`: passed, T\n${name} 1\n${name} 2\n`);
});

it("tells which failed, and lets the others end", async () => {
  const written: string[] = [];
  const steps = [script("process.exit(3)"), script("console.log('whole')"), ["no-such-command"]] as const;
  expect(await runSteps(steps, { write: (text) => written.push(text) })).toBe(false);
  expect(said(written)).toContain("FAILED (exit status 3), T\n");
  expect(said(written)).toContain("passed, T\nwhole\n");
  expect(said(written)).toContain("== no-such-command: FAILED (spawn no-such-command ENOENT), T\n");
});

it("ends what runs when it is stopped", async () => {
  const stop = new AbortController();
  const written: string[] = [];
  const steps = [script("setInterval(() => {}, 1000)")];
  const running = runSteps(steps, { write: (text) => written.push(text), signal: stop.signal });
  stop.abort();
  expect(await running).toBe(false);
  expect(said(written)).toContain("FAILED (The operation was aborted), T\n");
});
