import type { TestProject } from "vitest/node";
import { startLanguageModel } from "../../tools/serving/language-model/server.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** llama.cpp's server with the random model. */
    llama: { port: number; model: string };
  }
}

/** Starts the language model's server once for all test files. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { port, model, stop } = await startLanguageModel();
  project.provide("llama", { port, model });
  return stop;
}
