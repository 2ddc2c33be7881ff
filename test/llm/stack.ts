import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import type { LocalGateway } from "../../tools/local/dev/gateway.ts";
import { startResourceGateway } from "../../tools/local/dev/resource-gateway.ts";
import { digestOf, KEY } from "../support/auth.ts";
import { SCRIPTED_MODEL } from "./scripted-server.ts";

/** A model that is asked too often at once. */
export const LIMITED_MODEL = "limited";
/** A model that is served, and that no key here may call. */
export const FORBIDDEN_MODEL = "forbidden";

const LLAMA = "llama";

/**
 * The tenant of the lane; its tasks are called by the names of their models. llama.cpp's server closes a connection
 * between two requests, without a word before.
 */
function resources(llamaModel: string): string {
  const task = (taskid: string, model: string, more = "") =>
    [
      ...["apiVersion: modelgate.dev/v1alpha1", "kind: ModelTask"],
      `metadata: {name: ${taskid}, namespace: lane}`,
      `spec: {taskid: ${taskid}, tenant: lane, service: {name: ${taskid}}, protocol: openai, timeout: 60s, openai: {models: [${model}]}, connectionPool: {maxRequestsPerConnection: 1}${more}}`,
    ].join("\n");
  return [
    `apiVersion: modelgate.dev/v1alpha1
kind: Tenant
metadata: {name: lane}
spec:
  namespaces: [lane]
  gateway: {name: gateway, namespace: lane, hosts: ["*"]}
  credentials:
    - {id: app, sha256: ${digestOf(KEY)}}
  tasks: [{task: ${LLAMA}}, {task: ${SCRIPTED_MODEL}}, {task: ${LIMITED_MODEL}}]`,
    task(LLAMA, llamaModel),
    task(SCRIPTED_MODEL, SCRIPTED_MODEL),
    task(FORBIDDEN_MODEL, FORBIDDEN_MODEL),
    task(LIMITED_MODEL, LIMITED_MODEL, ", limits: {requestsPerSecond: 0.1, burst: 1}"),
  ].join("\n---\n");
}

/** The gateway in front of llama.cpp's server and of the scripted one. */
export async function startLanguageGateway(
  llama: { port: number; model: string },
  scriptedPort: number,
): Promise<LocalGateway> {
  const folder = await temporaryFolder(join(tmpdir(), "modelgate-llm-"));
  const file = join(folder.path, "resources.yaml");
  await writeFile(file, resources(llama.model));
  const at = (port: number) => ({ host: "127.0.0.1", port });
  const gateway = await startResourceGateway({
    paths: [file],
    secrets: new Map(),
    servers: new Map([
      [LLAMA, at(llama.port)],
      [SCRIPTED_MODEL, at(scriptedPort)],
      [FORBIDDEN_MODEL, at(scriptedPort)],
      [LIMITED_MODEL, at(scriptedPort)],
    ]),
    log: pino({ level: "silent" }),
    concurrency: 1,
  });
  return {
    ...gateway,
    async stop() {
      await gateway.stop();
      await folder.remove();
    },
  };
}
