import type { Finding, Source } from "./source.ts";

/** The files that something outside the code starts, and what is reached from them. */
export function reachable(sources: Source[], entries: (source: Source) => boolean): Set<string> {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const found = new Set<string>();
  const open = sources.filter(entries).map(({ path }) => path);
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    for (const { target } of byPath.get(path)?.imports ?? []) if (target !== undefined) open.push(target);
  }
  return found;
}

export function deadFiles(sources: Source[], entries: (source: Source) => boolean): Finding[] {
  const reached = reachable(sources, entries);
  const text =
    "is reached from no entry point (package.json, a filter's module.ts, a path in a string): delete it, or import it";
  return sources.filter(({ path }) => !reached.has(path)).map(({ path }) => ({ path, line: 1, text }));
}

/**
 * Exports that the product does not need. One that only tests import may stay as long as its own file uses it: then it is
 * a part of the file that a test reaches by itself, and not code that is there for tests.
 */
export function unusedExports(
  product: Source[],
  tests: Source[],
  isEntry: (source: Source) => boolean,
): Finding[] {
  const used = takenNames(product);
  const tested = takenNames(tests);
  const published = publishedBy(product, isEntry);
  return product
    .filter(({ path }) => !published.has(path))
    .flatMap((source) =>
      source.exports.flatMap(({ name, line }) => {
        const key = `${source.path} ${name}`;
        if (used.has(key) || used.has(`${source.path} *`)) return [];
        const isOwn = [...source.bare.matchAll(new RegExp(`\\b${name}\\b`, "g"))].length > 1;
        const isTested = tested.has(key) || tested.has(`${source.path} *`);
        if (isOwn && isTested) return [];
        const found = isTested
          ? `only tests use ${name}: let them use what the product uses, or move it to test/support`
          : isOwn
            ? `no other file imports ${name}: take its \`export\` away`
            : `nothing uses ${name}: delete it`;
        return [{ path: source.path, line, text: found }];
      }),
    );
}

/** `path name` for each name that another file imports, `path *` where it takes all. */
function takenNames(sources: Source[]): Set<string> {
  const taken = new Set<string>();
  for (const { path, imports } of sources)
    for (const { target, names } of imports) {
      if (target === undefined || target === path) continue;
      for (const name of names ?? ["*"]) taken.add(`${target} ${name}`);
    }
  return taken;
}

/** What entry points show to those who are not here: a module to its host, the SDK to converters, a script to nobody. */
function publishedBy(product: Source[], isEntry: (source: Source) => boolean): Set<string> {
  const published = new Set<string>();
  for (const source of product.filter(isEntry)) {
    published.add(source.path);
    for (const { target, kind, names } of source.imports)
      if (kind === "export" && names === undefined && target !== undefined) published.add(target);
  }
  return published;
}

/** Commands export themselves only. */
export function wrongCommandExports(sources: Source[]): Finding[] {
  return sources
    .filter(({ path }) => path.startsWith("tools/cli/commands/"))
    .flatMap(({ path, exports }) => {
      const name = `${(path.split("/").at(-1) as string).replace(/\.ts$/, "")}Command`;
      const text = `a file of commands exports its command and nothing else, here ${name}: move the rest to tools/cli/options or below`;
      return exports.filter((each) => each.name !== name).map(({ line }) => ({ path, line, text }));
    });
}
