import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { answers, type Program, startProgram } from "../../cluster/support/process.ts";
import { mavenClassPath } from "./parts.ts";

const FOLDER = fileURLToPath(new URL("../opensearch", import.meta.url));

/** A node of OpenSearch on 127.0.0.1. */
export async function startOpenSearch(folder: string, port: number): Promise<Program> {
  const classPath = await mavenClassPath(FOLDER);
  await mkdir(folder, { recursive: true });
  return startProgram({
    name: "opensearch",
    command: "java",
    args: ["-Xmx512m", "-cp", classPath, join(FOLDER, "OpenSearchNode.java"), folder, String(port)],
    folder,
    ready: () => answers(`http://127.0.0.1:${port}`),
    timeoutSeconds: 90,
  });
}
