import type { TestProject } from "vitest/node";
import { type Stack, startStack } from "./stack.ts";

declare module "vitest" {
  export interface ProvidedContext {
    stack: Omit<Stack, "stop">;
  }
}

/** Starts Triton and the gateway once for all test files. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { stop, ...addresses } = await startStack();
  project.provide("stack", addresses);
  return stop;
}
