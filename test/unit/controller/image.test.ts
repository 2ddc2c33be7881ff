import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";

const read = (path: string | URL) => readFileSync(new URL(path, PROJECT_ROOT), "utf8");

/** Packages that a file imports when it is loaded, itself or by others. */
function packagesOf(file: URL, seen = new Set<string>()): Set<string> {
  const packages = new Set<string>();
  if (seen.has(file.href)) return packages;
  seen.add(file.href);
  for (const [, typeOnly, name = ""] of read(file).matchAll(
    /^(?:import|export) (type )?(?:[^;]*? from )?"([^"]+)";/gms,
  )) {
    if (typeOnly || name.startsWith("node:")) continue;
    if (!name.startsWith(".")) packages.add(/^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name);
    else for (const each of packagesOf(new URL(name, file), seen)) packages.add(each);
  }
  return packages;
}

it("the image of the controller has all that the command loads", () => {
  const installed = Object.keys(JSON.parse(read("package.json")).dependencies);
  const loaded = [...packagesOf(new URL("tools/cli/modelgate.ts", PROJECT_ROOT))];
  expect(loaded).toContain("commander");
  expect(loaded.filter((name) => !installed.includes(name))).toEqual([]);
});
