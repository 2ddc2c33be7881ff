import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { closure, type LockedPackage, readLock } from "../../../tools/lib/oci/locked-packages.ts";
import { licenceFaults } from "../../support/licences.ts";

const made = (
  name: string,
  license: string | undefined,
  more: Partial<LockedPackage> = {},
): LockedPackage => ({
  path: `node_modules/${name}`,
  name,
  version: "1.2.3",
  dev: false,
  optional: false,
  hasInstallScript: false,
  dependsOn: [],
  ...(license !== undefined && { license }),
  ...more,
});

it("of all npm packages are on the list", async () => {
  const lock = await readLock();
  expect(lock.size).toBeGreaterThan(300);
  expect(await licenceFaults(lock.values())).toEqual([]);
});

it("one that is not on the list is named, with its package and who needs it", async () => {
  const packages = [
    made("app", "MIT", { dependsOn: ["node_modules/copyleft", "node_modules/none"] }),
    made("copyleft", "GPL-3.0-only"),
    made("none", undefined),
    made("odd", "SEE LICENSE IN FILE"),
    made("both", "MIT AND GPL-3.0-only"),
    made("either", "(MIT OR GPL-3.0-only)"),
    made("tool", "MPL-2.0", { dev: true }),
    made("library", "MPL-2.0"),
  ];
  expect(await licenceFaults(packages)).toEqual([
    "copyleft@1.2.3: GPL-3.0-only, handed on, needed by app",
    "none@1.2.3: no licence, handed on, needed by app",
    "odd@1.2.3: SEE LICENSE IN FILE, handed on, needed by ",
    "both@1.2.3: MIT AND GPL-3.0-only, handed on, needed by ",
    "library@1.2.3: MPL-2.0, handed on, needed by ",
  ]);
});

it("NOTICE names what is compiled into the modules", async () => {
  const notice = readFileSync("NOTICE", "utf8");
  const built = closure(await readLock(), [
    "node_modules/assemblyscript",
    "node_modules/@solo-io/proxy-runtime",
  ]);
  for (const { name, license } of built) expect(notice).toMatch(new RegExp(`^- ${name}, ${license}`, "m"));
});
