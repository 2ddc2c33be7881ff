import { join } from "node:path";
import { type Diagnostic, diagnosticText } from "../../lib/wasm/diagnostics.ts";
import { CONVERTER_ENTRY, OWN_SOURCE, type OwnModule, ownModulePath } from "../../lib/wasm/modules.ts";
import { compileOwn, sourceIn } from "../own-module/compile.ts";

/**
 * Compiles a converter's folder into `outFile`: the developer's `converter.ts` behind the stage that calls
 * it. Else as `compileOwn`.
 * @param budget false only to measure what the budget of instructions costs
 * @throws Error that says file, line and column of what does not compile
 */
export async function compileConverter(
  folder: string,
  outFile?: string,
  { budget = true } = {},
): Promise<void> {
  const own: OwnModule = { kind: "converter", folder };
  await compileOwn(own, {
    ...{ entry: CONVERTER_ENTRY, file: "converter.ts", outFile: outFile ?? ownModulePath(own) },
    ...{ budget, told },
  });
}

/**
 * The diagnostics in the author's own words: those of the generated module say that a function of
 * `converter.ts` is not what the module calls, and follow from others where there are others.
 */
function told(diagnostics: Diagnostic[], shown: string): string[] {
  const file = join(shown, "converter.ts");
  const own = sourceIn(shown);
  const authors = diagnostics.filter(({ at }) => at === undefined || own(at.source) !== undefined);
  const texts = authors.map((each) => diagnosticText(each, (source) => own(source) ?? source));
  const missing = diagnostics.flatMap(({ message }) => MISSING.exec(message)?.[1] ?? []);
  if (missing.length > 0)
    return [
      ...texts,
      ...missing.map((name) => `${file}: exports no function \`${name}\`: ${SIGNATURES[name]}`),
    ];
  if (texts.length > 0) return texts;
  const [called] = diagnostics.flatMap(({ at }) => CALLED.exec(at?.place?.text ?? "")?.[1] ?? []);
  const others = diagnostics.map((each) => diagnosticText(each, (source) => source));
  return called === undefined
    ? others
    : [`${file}: \`${called}\` must be: ${SIGNATURES[called]}`, ...others.slice(0, 1)];
}

const MISSING = new RegExp(`^Module '${OWN_SOURCE}/converter' has no exported member '(before|after)'`);
const CALLED = /^\s*return (before|after)\(/;
const SIGNATURES: Record<string, string> = {
  before: "export function before(request: Request): InferRequest | null",
  after: "export function after(response: ModelResponse): Uint8Array | null",
};
