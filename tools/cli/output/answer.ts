import type { Command } from "commander";
import { reasonOf } from "./missing-package.ts";

/** Exit code of an error in a command whose 1 is an answer, as of `kubectl diff`. */
const ERROR = 2;

/**
 * Gives a command that answers a question its exit codes: 0 yes, 1 no, 2 an error. A wrong option is an
 * error, too.
 * @param ask the action. @returns whether the answer is yes
 */
export function answering<Args extends unknown[]>(
  command: Command,
  ask: (...args: Args) => Promise<boolean>,
): Command {
  command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : ERROR));
  return command.action(async (...args) => {
    try {
      process.exitCode = (await ask(...(args as Args))) ? 0 : 1;
    } catch (error) {
      console.error(`modelgate: ${reasonOf(error)}`);
      process.exitCode = ERROR;
    }
  });
}
