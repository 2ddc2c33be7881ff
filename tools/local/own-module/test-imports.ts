import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import { scriptPath } from "../../lib/installation.ts";

const SCRIPTS = new Map([
  ["modelgate/converter-test", scriptPath("tools/local/converter/try")],
  ["modelgate/filter-test", scriptPath("tools/local/filter/try")],
]);

/** Lets a developer's test, wherever it lies, import what it tests with from this installation. */
registerHooks({
  resolve(specifier, context, next) {
    const script = SCRIPTS.get(specifier);
    return script === undefined
      ? next(specifier, context)
      : { url: pathToFileURL(script).href, shortCircuit: true };
  },
});
