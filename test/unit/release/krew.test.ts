import { expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { KREW_ARCHIVE, krewManifest } from "../../../tools/release/krew.ts";

/** As krew's pkg/index/types.go and internal/index/validation/validate.go have it. */
const SELECTOR = z.strictObject({
  matchExpressions: z
    .array(
      z.strictObject({
        key: z.enum(["os", "arch"]),
        operator: z.literal("In"),
        values: z.array(z.enum(["linux", "darwin", "windows"])).min(1),
      }),
    )
    .min(1),
});
const PLUGIN = z.strictObject({
  apiVersion: z.literal("krew.googlecontainertools.github.com/v1alpha2"),
  kind: z.literal("Plugin"),
  metadata: z.strictObject({ name: z.literal("modelgate") }),
  spec: z.strictObject({
    version: z.string().regex(/^v\d+\.\d+\.\d+(-[\w.-]+)?$/),
    homepage: z.url(),
    shortDescription: z
      .string()
      .min(1)
      .max(80)
      .regex(/^[^\r\n]+$/),
    description: z.string(),
    caveats: z.string(),
    platforms: z
      .array(
        z.strictObject({
          selector: SELECTOR,
          uri: z.url(),
          sha256: z.string().regex(/^[a-f0-9]{64}$/),
          files: z.array(z.strictObject({ from: z.string().min(1), to: z.string().min(1) })).min(1),
          bin: z.string().min(1),
        }),
      )
      .min(1),
  }),
});

it.each(["0.2.0", "0.2.0-rc.1"])("the Krew manifest of %s is what krew takes", (version) => {
  const download = `https://registry.example/releases/v${version}`;
  const manifest = parse(krewManifest({ version, download, sha256: "a".repeat(64) }));
  expect(PLUGIN.parse(manifest)).toEqual(manifest);
  expect(manifest.spec.version).toBe(`v${version}`);
  expect(manifest.spec.platforms[0].uri).toBe(`${download}/${KREW_ARCHIVE}`);
});
