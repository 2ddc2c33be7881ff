import type { Inventory } from "./inventory.ts";

/** Where the controller learns what there is. */
export interface Source {
  /**
   * Calls back with the first inventory and with each that follows. Resolves when the first has been given.
   */
  start(onChange: (inventory: Inventory) => void): Promise<void>;
  stop(): Promise<void>;
}
