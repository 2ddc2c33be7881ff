import { existsSync } from "node:fs";
import { Vm } from "../../lib/host/vm.ts";
import { modulePath } from "../../lib/wasm/modules.ts";
import { parseRefusals, REFUSED, type Refusal } from "./refusals.ts";

/** A VM keeps the memory of the largest configuration: a new one takes its place then. */
const LARGEST_MEMORY = 512 * 1024 * 1024;

/**
 * The filter itself, gateway.wasm in the Node host, which says whether it takes a plug-in configuration. One
 * VM serves any number of them, one after the other.
 */
export class Filter {
  private readonly path: string;
  private vm: Vm | undefined;
  private nextRoot = 2;

  /** @throws Error that says how to make the module, when it is not there */
  constructor(path = modulePath("gateway")) {
    if (!existsSync(path))
      throw new Error(
        `${path} is not there, by which the configuration is checked: make it with modelgate build`,
      );
    this.path = path;
  }

  /** @returns every fault; none when the filter takes the configuration */
  refusals(configuration: object): Refusal[] {
    try {
      this.vm ??= new Vm(this.path);
      const { vm } = this;
      vm.logs.length = 0;
      // As in Envoy, each configuration has a root context of its own.
      const root = this.nextRoot++;
      vm.exports.proxy_on_context_create(root, 0);
      const isTaken = vm.configure(configuration, root);
      vm.exports.proxy_on_delete(root);
      if (isTaken) return [];
      const line = vm.logs.find((each) => each.includes(REFUSED)) ?? "";
      const [, said = "it does not say why"] = line.split(REFUSED);
      return parseRefusals(said);
    } catch (error) {
      // What it left in its memory may be anything.
      this.vm = undefined;
      return [{ path: [], message: `breaks off: ${error instanceof Error ? error.message : String(error)}` }];
    } finally {
      if (this.vm) this.vm.calls.length = 0;
      if ((this.vm?.memoryBytes ?? 0) > LARGEST_MEMORY) this.vm = undefined;
    }
  }
}
