import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The story makes what all other files need; they come by name. */
class StoryFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const order = ({ moduleId }: TestSpecification) => moduleId.replace("story.test", "0.test");
    return files.toSorted((a, b) => order(a).localeCompare(order(b)));
  }
}

export default defineConfig({
  test: {
    dir: "test/node",
    include: ["**/*.test.ts"],
    testTimeout: 180_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    sequence: { sequencer: StoryFirst },
    reporters: ["verbose"],
  },
});
