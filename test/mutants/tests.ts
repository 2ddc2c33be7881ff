import { resolve } from "node:path";
import { createVitest, type TestModule, type TestSpecification, type Vitest } from "vitest/node";

/** How a run of tests ended. */
export interface Outcome {
  passed: string[];
  failed: string[];
  /** Why no test ran, or the first failure. */
  said: string;
}

/** Tests of the working directory, by a Vitest that stays in this process. */
export class Tests {
  private readonly vitest: Vitest;
  private readonly specifications = new Map<string, TestSpecification[]>();

  private constructor(vitest: Vitest) {
    this.vitest = vitest;
  }

  static async open(): Promise<Tests> {
    return new Tests(await createVitest("test", { watch: false, reporters: [{}] }));
  }

  /** Runs the tests of a file whose full name has one of these in it. */
  async run(file: string, names: string[]): Promise<Outcome> {
    const path = resolve(file);
    const found = this.specifications.get(file) ?? (await this.vitest.globTestSpecifications([file]));
    this.specifications.set(file, found);
    const ours = found.filter(({ moduleId }) => moduleId === path);
    const escaped = names.map((name) => name.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    // Vitest matches names with " > " between a group and a test.
    this.vitest.setGlobalTestNamePattern(new RegExp(escaped.join("|").replaceAll(" ", "(?: >)? ")));
    const { testModules, unhandledErrors } = await this.vitest.runTestSpecifications(ours, false);
    const module = testModules.find(({ moduleId }) => moduleId === path);
    return module ? outcomeOf(module, unhandledErrors) : { passed: [], failed: [], said: `no ${file}` };
  }

  /** Lets the next run read a file anew. */
  forget(file: string): void {
    this.vitest.invalidateFile(resolve(file));
  }
}

function outcomeOf(module: TestModule, unhandled: unknown[]): Outcome {
  const all = [...module.children.allTests()];
  const named = (state: string) =>
    all.filter((test) => test.result().state === state).map((test) => test.fullName.replaceAll(" > ", " "));
  const errors = [
    ...all.flatMap((test) => test.result().errors ?? []),
    ...module.errors(),
    ...(unhandled as { message: string }[]),
  ];
  return { passed: named("passed"), failed: named("failed"), said: errors[0]?.message ?? "" };
}
