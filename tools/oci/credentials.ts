import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** Value of a Basic `Authorization` header for a registry, from Docker's config file; undefined when it has none. */
export async function basicAuthorization(registry: string): Promise<string | undefined> {
  const file = join(process.env.DOCKER_CONFIG ?? join(homedir(), ".docker"), "config.json");
  const text = await readFile(file, "utf8").catch(() => "{}");
  const { auths = {} } = JSON.parse(text) as { auths?: Record<string, { auth?: string }> };
  const auth = auths[registry]?.auth ?? auths[`https://${registry}`]?.auth;
  return auth && `Basic ${auth}`;
}
