import { InvalidArgumentError } from "commander";
import { MODULES, type ModuleName } from "../wasm/modules.ts";

/** Checks a module name given on the command line. */
export function parseModuleName(text: string): ModuleName {
  const name = MODULES.find((module) => module === text);
  if (name === undefined) {
    throw new InvalidArgumentError(`no module ${JSON.stringify(text)}; there are ${MODULES.join(", ")}`);
  }
  return name;
}
