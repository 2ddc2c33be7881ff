import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";
import { chartTemplates } from "../../../tools/release/chart/templates.ts";

const read = (path: string) => readFile(new URL(path, PROJECT_ROOT), "utf8");

it("the chart's templates are current: npm run chart", async () => {
  for (const [path, text] of await chartTemplates())
    expect(await read(`manifests/chart/${path}`), path).toBe(text);
});

it("the chart's version is that of package.json", async () => {
  const { version } = JSON.parse(await read("package.json"));
  expect(parse(await read("manifests/chart/Chart.yaml"))).toMatchObject({ version, appVersion: version });
});
