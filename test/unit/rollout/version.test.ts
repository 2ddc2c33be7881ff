import { describe, expect, it } from "vitest";
import { livingVersions } from "../../../tools/cluster/deploy/gateways.ts";
import { readModule } from "../../../tools/lib/wasm/read.ts";
import { versionOf, withVersion } from "../../../tools/lib/wasm/version.ts";

const ROOM = Buffer.from(`....modelgate.version.${"?".repeat(32)}....`, "utf16le");

describe("a module's version", () => {
  it("is of its bytes", () => {
    const [one, other] = [withVersion(ROOM, "1.2.3"), withVersion(Buffer.concat([ROOM, ROOM]), "1.2.3")];
    expect(versionOf(one)).toMatch(/^1\.2\.3\+[0-9a-f]{12}$/);
    expect(versionOf(withVersion(ROOM, "1.2.3"))).toBe(versionOf(one));
    expect(versionOf(other)).not.toBe(versionOf(one));
    expect(one).toHaveLength(ROOM.length);
    expect(versionOf(ROOM)).toBeUndefined();
  });

  it("is none where a module has no room for it", () => {
    const module = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
    expect(withVersion(module, "1.2.3")).toBe(module);
    expect(versionOf(module)).toBeUndefined();
    expect(() => withVersion(ROOM, "1.2.3-a-rather-long-release")).toThrow("longer than 32");
  });

  it("each filter that is built has its own", async () => {
    const versions = await Promise.all(
      (["gateway", "access-log"] as const).map(async (name) => versionOf(await readModule(name))),
    );
    for (const version of versions) expect(version).toMatch(/^\d+\.\d+\.\d+\+[0-9a-f]{12}$/);
    expect(new Set(versions).size).toBe(2);
  });
});

describe("versions that live", () => {
  const stats = (...beats: [string, number][]) =>
    beats.map(([version, seconds]) => `wasmcustom.modelgate.version.${version}: ${seconds}\n`).join("");
  it.each<[string, [string, number][], string[]]>([
    ["none", [], []],
    ["one", [["0.1.0+a", 999]], ["0.1.0+a"]],
    [
      "the new one, when the old one is gone",
      [
        ["0.1.0+a", 900],
        ["0.1.0+b", 999],
      ],
      ["0.1.0+b"],
    ],
    [
      "two, while one takes over",
      [
        ["0.1.0+a", 998],
        ["0.1.0+b", 999],
      ],
      ["0.1.0+a", "0.1.0+b"],
    ],
    ["none, when no VM beats any more", [["0.1.0+a", 800]], []],
    ["one, by a clock that is ahead", [["0.1.0+a", 1090]], ["0.1.0+a"]],
  ])("%s", (_name, beats, living) => {
    expect(livingVersions(stats(...beats), 1000)).toEqual(living);
  });
});
