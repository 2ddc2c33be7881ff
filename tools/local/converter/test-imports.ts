import { registerHooks } from "node:module";

/** Lets a converter's test, wherever it lies, import `modelgate/converter-test` from this installation. */
registerHooks({
  resolve(specifier, context, next) {
    if (specifier !== "modelgate/converter-test") return next(specifier, context);
    return { url: new URL("try.ts", import.meta.url).href, shortCircuit: true };
  },
});
