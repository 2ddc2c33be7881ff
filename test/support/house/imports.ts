import type { Finding, Source } from "./source.ts";

/** Floors, lowest first. Rooms of one floor do not import each other; all may import what is below. */
const FLOORS: Record<string, string[][]> = {
  tools: [
    ["lib"],
    ["api", "dashboards"],
    ["cluster"],
    ["servers", "serving"],
    ["local"],
    ["cli"],
    ["release"],
  ],
  filters: [
    ["sdk/bytes"],
    ["sdk/host"],
    ["sdk/pipeline"],
    ["model-protocol"],
    [
      "model-name",
      "tenant-auth",
      "rate-limit",
      "decompression",
      "stream-time",
      "protocol-conversion",
      "converter",
      "access-log",
    ],
    ["gateway", "stage"],
  ],
};

/** Imports that lead up, to a neighbour, or out of the tree. */
export function wrongFloors(sources: Source[]): Finding[] {
  return sources.flatMap(({ path, imports }) =>
    imports.flatMap(({ target, kind, line }) => {
      const text = target === undefined || kind === "name" ? undefined : wrongFloor(path, target);
      return text === undefined ? [] : [{ path, line, text }];
    }),
  );
}

function wrongFloor(path: string, target: string): string | undefined {
  const [from, to] = [floorOf(path), floorOf(target)];
  if (from === undefined)
    return `is on no floor: put it into one of ${known(path)}, or add its folder to FLOORS`;
  if (to === undefined || to.tree !== from.tree)
    return `imports ${target}, which is not of ${from.tree}/: ${from.tree}/ stands alone, so move what it needs here`;
  if (to.name === from.name || to.height < from.height) return undefined;
  const where = to.height === from.height ? "the same floor as" : "a floor above";
  return `imports ${target}: ${to.name} is on ${where} ${from.name}. Move what both need to a floor below, or hand it in`;
}

/** Files of any kind, in folders that are on no floor. */
export function unplaced(paths: string[]): Finding[] {
  const text = (path: string) =>
    `is on no floor: put it into one of ${known(path)}, or add its folder to FLOORS`;
  return paths
    .filter((path) => path.split("/").length > 2 && floorOf(path) === undefined)
    .map((path) => ({ path, line: 1, text: text(path) }));
}

function floorOf(path: string): { tree: string; name: string; height: number } | undefined {
  const tree = path.split("/")[0] as string;
  for (const [height, floor] of (FLOORS[tree] ?? []).entries()) {
    const name = floor.find((each) => path.startsWith(`${tree}/${each}/`));
    if (name !== undefined) return { tree, name, height };
  }
  return undefined;
}

function known(path: string): string {
  return (FLOORS[path.split("/")[0] as string] ?? []).flat().join(", ");
}

/** The folder that counts as one room: `tools/<floor>/<room>`, `filters/<room>`, `filters/sdk/<room>`. */
export function roomOf(path: string): string {
  const folders = path.split("/").slice(0, -1);
  const depth = folders[0] === "tools" || folders[1] === "sdk" ? 3 : 2;
  return folders.slice(0, depth).join("/");
}

/** Rooms that lead back into themselves, and files that do. */
export function loops(sources: Source[], placeOf: (path: string) => string): Finding[] {
  const edges = new Map<string, Map<string, Finding>>();
  for (const { path, imports } of sources) {
    const from = placeOf(path);
    if (!edges.has(from)) edges.set(from, new Map());
    for (const { target, kind, line } of imports) {
      const to = target === undefined || kind === "name" ? from : placeOf(target);
      if (to !== from && !edges.get(from)?.has(to)) edges.get(from)?.set(to, { path, line, text: to });
    }
  }
  return [...edges.keys()].flatMap((start) => {
    const way = wayBack(edges, start);
    // Each circle is told of once, from the first of its places.
    if (way === undefined || way.some((place) => place < start)) return [];
    const first = edges.get(start)?.get(way[1] as string) as Finding;
    const text = `leads back to where it came from: ${way.join(" -> ")}. Move what both need to a place of its own, or hand it in`;
    return [{ ...first, text }];
  });
}

/** The shortest way from a place back to it. */
function wayBack(edges: Map<string, Map<string, unknown>>, start: string): string[] | undefined {
  const ways = [[start]];
  const seen = new Set<string>();
  for (let way = ways.shift(); way; way = ways.shift()) {
    for (const next of edges.get(way.at(-1) as string)?.keys() ?? []) {
      if (next === start) return [...way, start];
      if (!seen.has(next)) ways.push([...way, next]);
      seen.add(next);
    }
  }
  return undefined;
}
