import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import { scriptPath } from "../../lib/installation.ts";

/** Lets a converter's test, wherever it lies, import `modelgate/converter-test` from this installation. */
registerHooks({
  resolve(specifier, context, next) {
    if (specifier !== "modelgate/converter-test") return next(specifier, context);
    return { url: pathToFileURL(scriptPath("tools/local/converter/try")).href, shortCircuit: true };
  },
});
