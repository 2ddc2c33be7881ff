import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { withInstructionBudget } from "../../lib/wasm/instruction-budget.ts";
import { type OwnSource, Places } from "../../lib/wasm/places.ts";
import { readMappings, type SourceMapFile, writeMappings } from "../../lib/wasm/source-map.ts";

const schema = z.strictObject({
  /** What one callback may run: 2,000,000,000 are about a second. */
  maxInstructions: z.int().min(1_000_000).max(1_000_000_000_000).default(2_000_000_000),
  /** What a VM may hold; Envoy has one a worker thread. */
  maxMemoryMiB: z.int().min(1).max(4096).default(256),
});
type Limits = z.infer<typeof schema>;

/**
 * What the module of a folder may take, from the member `modelgate` of its `package.json`, which may be
 * missing. @throws Error that names the member at fault
 */
export async function ownLimits(folder: string): Promise<Limits> {
  const file = join(folder, "package.json");
  const text = await readFile(file, "utf8").catch(() => "{}");
  const { modelgate = {} } = JSON.parse(text) as { modelgate?: unknown };
  const parsed = schema.safeParse(modelgate);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`${file}: ${["modelgate", ...(issue?.path ?? [])].join(".")}: ${issue?.message}`);
}

/** Gives each callback of a built module a budget, and moves the source map beside it along. */
export async function limitInstructions(
  path: string,
  maxInstructions: number,
  own: OwnSource,
): Promise<void> {
  const before = await readFile(path);
  const map = JSON.parse(await readFile(`${path}.map`, "utf8")) as SourceMapFile;
  const places = new Places(before, map, own);
  const { module, moved } = withInstructionBudget(before, maxInstructions, {
    function: (name) => places.isOwn(name),
    code: (from, to) => places.isOwnCode(from, to),
  });
  const segments = readMappings(map.mappings).map((segment) => ({
    ...segment,
    offset: moved(segment.offset),
  }));
  await writeFile(`${path}.map`, JSON.stringify({ ...map, mappings: writeMappings(segments) }));
  await writeFile(path, module);
}
