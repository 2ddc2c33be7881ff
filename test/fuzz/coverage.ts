import type { Counted } from "./module.ts";

/** Branches of a file or function: how many there are, and how many were reached. */
export interface Share {
  name: string;
  reached: number;
  all: number;
}

/**
 * Branches by file or by function, of filters only, most first. A function's name is `<file>/<function>`. What several modules
 * compile counts as reached where any of them reached it.
 */
export function coverage(modules: readonly Counted[], by: "file" | "function"): Share[] {
  const functions = new Map<string, Uint8Array>();
  for (const { map, seen } of modules) {
    const own = new Map<string, number[]>();
    for (const [branch, fn] of map.branches.entries()) {
      const name = map.functions[fn] as string;
      if (!name.startsWith("filters/") || name.includes("~")) continue;
      const list = own.get(name);
      if (list) list.push(seen[branch] as number);
      else own.set(name, [seen[branch] as number]);
    }
    for (const [name, bits] of own) {
      const held = functions.get(name) ?? new Uint8Array(bits.length);
      for (let i = 0; i < bits.length; i++) held[i] = (held[i] as number) | (bits[i] as number);
      functions.set(name, held);
    }
  }
  const shares = new Map<string, Share>();
  for (const [fn, bits] of functions) {
    const name = by === "file" ? fn.slice(0, fn.lastIndexOf("/", functionStart(fn))) : fn;
    const share = shares.get(name) ?? { name, reached: 0, all: 0 };
    share.reached += bits.reduce((sum, bit) => sum + bit, 0);
    share.all += bits.length;
    shares.set(name, share);
  }
  return [...shares.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Where the name of the function ends before type arguments, which may hold slashes. */
function functionStart(name: string): number {
  const generic = name.indexOf("<");
  return generic < 0 ? name.length : generic;
}

export const percent = ({ reached, all }: Share) => (all === 0 ? 100 : (100 * reached) / all);

export function total(shares: readonly Share[]): Share {
  const sum = (key: "reached" | "all") => shares.reduce((result, share) => result + share[key], 0);
  return { name: "all", reached: sum("reached"), all: sum("all") };
}
