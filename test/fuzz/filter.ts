import type { HeaderList } from "../../tools/lib/host/header-pairs.ts";
import type { Stream } from "../../tools/lib/host/stream.ts";
import type { Vm } from "../../tools/lib/host/vm.ts";
import type { ModuleName } from "../../tools/lib/wasm/modules.ts";
import { type Counted, countedVm } from "./module.ts";
import { check, hashOf } from "./target.ts";

/** What a filter made of a message: what goes on, or the answer it gave itself. */
export interface Outcome {
  passed?: Buffer;
  /** Headers of what goes on. */
  headers?: HeaderList;
  status?: number;
  reason?: string;
  error?: string;
}

const NO_STEPS = 20_000;
/** Turns of loops that a byte of input may cost, whatever it is. */
const STEPS_A_BYTE = 300;

/** A configured filter that is fuzzed through its callbacks. */
export class FuzzedFilter {
  readonly vm: Vm;
  readonly counted: Counted;

  private constructor(vm: Vm, counted: Counted) {
    this.vm = vm;
    this.counted = counted;
  }

  static async start(name: ModuleName, config: object): Promise<FuzzedFilter> {
    return FuzzedFilter.configured(await countedVm(name), config);
  }

  /** As `start`, of a module that has a configuration yet to come. */
  static configured({ vm, counted }: { vm: Vm; counted: Counted }, config: object): FuzzedFilter {
    vm.encoding = "latin1";
    check(vm.configure(config), () => vm.logs.join("\n"));
    return new FuzzedFilter(vm, counted);
  }

  /** Begins a case of so many bytes. */
  begin(bytes: number): void {
    this.vm.calls.length = 0;
    this.vm.logs.length = 0;
    this.counted.start(NO_STEPS + STEPS_A_BYTE * bytes);
  }
}

/** Ends a stream whose message went on as `passed`, and checks the answer if there was one. */
export function outcome(stream: Stream, passed: Uint8Array, headers: HeaderList): Outcome {
  stream.close();
  const { reply } = stream;
  if (!reply) return { passed: Buffer.from(passed), headers };
  const { status, details, body } = reply;
  check(status >= 400 && status < 600, `it answers ${status}`);
  const said = JSON.parse(body) as { error: unknown; reason: unknown };
  check(typeof said.error === "string" && said.error.length > 0, `it answers ${body}`);
  check(said.reason === details && details.length > 0, `it answers ${body} for ${details}`);
  return { status, reason: details, error: said.error };
}

/** Sizes of chunks to send an input in, one a run: all of it, then one that the input itself chooses. */
export function chunkSizes(input: Buffer): number[] {
  const hash = hashOf(input);
  const few = [1, 2, 3, 5, 7, 8, 9, 16, 17, 64];
  const some =
    hash % 3 === 0 ? 1 + ((hash >>> 8) % (input.length + 1)) : (few[(hash >>> 8) % few.length] as number);
  // Not more than some hundred chunks, for speed.
  return [input.length || 1, Math.max(some, Math.ceil(input.length / 400))];
}

/** Are two outcomes the same? */
export function checkSame(a: Outcome, b: Outcome, how: string): void {
  const text = ({ passed, status, reason, error, headers }: Outcome) =>
    JSON.stringify([passed?.toString("latin1"), status, reason, error, headers]);
  check(text(a) === text(b), () => `${how}: ${text(a).slice(0, 600)} and ${text(b).slice(0, 600)}`);
}
