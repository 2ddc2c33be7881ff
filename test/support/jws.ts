import { readFile } from "node:fs/promises";
import { hostImports } from "../../tools/lib/host/imports.ts";
import { HostProcess } from "../../tools/lib/host/process.ts";
import { VmState } from "../../tools/lib/host/vm-state.ts";
import { builtTestModule } from "./wasm.ts";

interface Exports {
  allocate(size: number): number;
  check(...pointersAndLengths: number[]): number;
  _initialize(): void;
  memory: WebAssembly.Memory;
}

/** What the filter says of a signature; `unusable`: no key set may hold the key; `unfit`: not for the algorithm. */
export type Verdict = "valid" | "invalid" | "unusable" | "unfit";

const AREA = 1 << 18;

/** How tenant-auth checks the signatures of tokens, without a token around them. */
export class JwsChecker extends VmState {
  private readonly module: Exports;
  private readonly areas: number[];

  private constructor(module: WebAssembly.Module) {
    super(new HostProcess());
    const instance = new WebAssembly.Instance(module, hostImports(this));
    this.module = instance.exports as unknown as Exports;
    this.exports = instance.exports as never;
    this.module._initialize();
    this.areas = Array.from({ length: 4 }, () => this.module.allocate(AREA));
  }

  static async load(): Promise<JwsChecker> {
    return new JwsChecker(new WebAssembly.Module(await readFile(await builtTestModule("jws"))));
  }

  check(jwk: object | string, algorithm: string, signature: Uint8Array, text: Uint8Array): Verdict {
    const key = typeof jwk === "string" ? jwk : JSON.stringify(jwk);
    const inputs = [Buffer.from(key), Buffer.from(algorithm), signature, text];
    const places = inputs.flatMap((bytes, i) => {
      const ptr = this.areas[i] as number;
      if (bytes.length > AREA) throw new Error("longer than the room for it");
      new Uint8Array(this.module.memory.buffer, ptr, AREA).set(bytes);
      return [ptr, bytes.length];
    });
    const said = this.module.check(...places);
    return said === 1 ? "valid" : said === 0 ? "invalid" : said === -1 ? "unusable" : "unfit";
  }
}
