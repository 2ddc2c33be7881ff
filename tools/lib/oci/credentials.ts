import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

/** What Docker's login left for a registry: name and password, or a token to trade for others. */
export type Credentials = { username: string; password: string } | { identityToken: string };

interface DockerConfig {
  auths?: Record<string, { auth?: string; identitytoken?: string; username?: string; password?: string }>;
  credHelpers?: Record<string, string>;
  credsStore?: string;
}

/**
 * The credentials for a registry (`host` or `host:port`) from Docker's config file: the registry's own
 * helper, the file itself, the general helper; undefined when there are none. @throws Error for a helper that
 * fails
 */
export async function credentialsFor(registry: string): Promise<Credentials | undefined> {
  const file = join(process.env.DOCKER_CONFIG ?? join(homedir(), ".docker"), "config.json");
  const config = parseConfig(file, await readFile(file, "utf8").catch(() => "{}"));
  const helper = config.credHelpers?.[registry];
  if (helper !== undefined) return askHelper(helper, registry);
  return (
    fromFile(config, registry) ?? (config.credsStore ? askHelper(config.credsStore, registry) : undefined)
  );
}

function parseConfig(file: string, content: string): DockerConfig {
  try {
    return JSON.parse(content) as DockerConfig;
  } catch {
    throw new Error(`${file}: is not JSON`);
  }
}

function fromFile({ auths = {} }: DockerConfig, registry: string): Credentials | undefined {
  const entry = auths[registry] ?? Object.entries(auths).find(([key]) => hostOf(key) === registry)?.[1];
  if (!entry) return undefined;
  if (entry.identitytoken) return { identityToken: entry.identitytoken };
  if (entry.username && entry.password) return { username: entry.username, password: entry.password };
  if (!entry.auth) return undefined;
  const pair = Buffer.from(entry.auth, "base64").toString();
  const colon = pair.indexOf(":");
  return colon < 0 ? undefined : { username: pair.slice(0, colon), password: pair.slice(colon + 1) };
}

/** Docker writes a registry as its host, or as an address such as `https://host/v1/`. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
}

/** The protocol of docker-credential-helpers: the registry on stdin, JSON on stdout. */
async function askHelper(helper: string, registry: string): Promise<Credentials | undefined> {
  const program = `docker-credential-${helper}`;
  const child = spawn(program, ["get"], { stdio: ["pipe", "pipe", "ignore"] });
  const failed = new Promise<never>((_, reject) => {
    child.once("error", (error) => reject(new Error(`cannot run ${program}: ${error.message}`)));
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(registry);
  const output = await Promise.race([text(child.stdout), failed]);
  if (output.includes("credentials not found")) return undefined;
  try {
    const { Username, Secret } = JSON.parse(output) as { Username: string; Secret: string };
    return Username === "<token>" ? { identityToken: Secret } : { username: Username, password: Secret };
  } catch {
    throw new Error(`${program}: ${output.trim().slice(0, 200) || "gave no credentials"}`);
  }
}
