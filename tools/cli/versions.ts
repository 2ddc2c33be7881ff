import { readFile } from "node:fs/promises";
import { checkedOutCommit } from "../lib/commit.ts";
import { ENVOY_VERSION } from "../lib/envoy/fetch.ts";
import { PROJECT_ROOT } from "../lib/installation.ts";
import { abiOf } from "../lib/wasm/abi.ts";
import { readModule } from "../lib/wasm/read.ts";
import { versionOf } from "../lib/wasm/version.ts";

/**
 * What runs here, a line each: the command and its commit, the filters and their ABI, the Envoy that `dev`
 * fetches, Node.
 */
export async function versions(): Promise<string> {
  const { version, gitHead = await checkedOutCommit() } = JSON.parse(
    await readFile(new URL("package.json", PROJECT_ROOT), "utf8"),
  );
  const module = await readModule("gateway").catch(() => undefined);
  const filters = module
    ? `${versionOf(module) ?? "of no version"}, proxy-wasm ABI ${abiOf(module)}`
    : "not built";
  return [
    `modelgate ${version}${gitHead ? `, commit ${gitHead.slice(0, 12)}` : ""}`,
    `filters ${filters}`,
    `Envoy ${ENVOY_VERSION}`,
    `Node ${process.versions.node}`,
  ].join("\n");
}
