import { expect, it } from "vitest";
import { modelgate } from "../support/modelgate.ts";

it("shows the versions of what runs", async () => {
  const { code, stdout } = await modelgate(["--version"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^modelgate \d+\.\d+\.\d+(, commit [0-9a-f]{12})?\nfilters .+\nEnvoy [\d.]+\nNode [\d.]+\n$/,
  );
});

it.each([
  [["aply"], "unknown command 'aply'\n(Did you mean apply?)\n"],
  [["apply", "--dry-rnu", "client"], "unknown option '--dry-rnu'\n(Did you mean --dry-run?)\n"],
])("says in a line or two what %j gets wrong", async (args, message) => {
  const { code, stdout, stderr } = await modelgate(args);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toContain(`error: ${message}`);
  expect(stderr.split("\n").length).toBeLessThanOrEqual(4);
});
