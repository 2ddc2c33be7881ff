import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { compileConverter } from "../../tools/local/converter/compile.ts";
import { converterInNode, type LoadedConverter } from "../../tools/local/converter/try.ts";
import { newFolder } from "../../tools/local/own-module/new-folder.ts";

/**
 * What a converter's budget of instructions costs: the template's converter and a loop of a developer's, with
 * and without it, in Node's WebAssembly, by turns. Prints the median of the ratios of each pair.
 */
const ROUNDS = 200;
const WARM_UP = 50;
/** Of 8 numbers with 6 digits: 0.57 MB. */
const ROWS = 8000;

/** One that a developer may write: 64,000 turns. */
const OWN_LOOP = "  for (let i = 0; i < values.length; i++) values[i] = (values[i] - 0.5) * 3.46;\n";

const body = Buffer.from(
  JSON.stringify({
    rows: Array.from({ length: ROWS }, (_, row) =>
      Array.from({ length: 8 }, (_, i) => (((row * 8 + i) * 7919) % 1_000_003) / 1e6),
    ),
  }),
);
const scores = Float32Array.from({ length: ROWS * 2 }, (_, i) => ((i * 7919) % 1_000_003) / 1e6);
const reply = {
  outputs: [{ name: "y", datatype: "FP32", shape: [ROWS, 2] }],
  rawOutputContents: [Buffer.from(scores.buffer)],
};

const folder = await temporaryFolder(join(tmpdir(), "modelgate-bench-"));
try {
  const own = join(folder.path, "ranking");
  await newFolder({ kind: "converter", folder: own }, "ranking");
  const source = join(own, "converter.ts");
  const text = await readFile(source, "utf8");
  await writeFile(source, text.replace("  const inference", `${OWN_LOOP}  const inference`));
  const [withBudget, without] = ["with", "without"].map((name) => join(folder.path, `${name}.wasm`)) as [
    string,
    string,
  ];
  await compileConverter(own, withBudget);
  await compileConverter(own, without, { budget: false });
  for (const [name, run] of [
    ["before", (converter: LoadedConverter) => converter.before(body)],
    ["before and after", (converter: LoadedConverter) => converter.after(reply, body)],
  ] as const) {
    const [a, b] = [converterInNode(withBudget), converterInNode(without)];
    const ratios: number[] = [];
    const times: number[] = [];
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      const first = round % 2 === 0 ? a : b;
      const one = timed(() => run(first));
      const other = timed(() => run(first === a ? b : a));
      const [limited, free] = first === a ? [one, other] : [other, one];
      if (round < 0) continue;
      ratios.push(limited / free);
      times.push(free);
    }
    console.log(`${name}: ${median(times).toFixed(2)} ms of CPU without, ratio ${median(ratios).toFixed(3)}`);
  }
} finally {
  await folder.remove();
}

/** CPU time in milliseconds: other work on the machine changes it less than the time that passes. */
function timed(run: () => unknown): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
