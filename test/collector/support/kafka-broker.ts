import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Consumer, stringDeserializers } from "@platformatic/kafka";
import { type Program, startProgram } from "../../cluster/support/process.ts";
import { freePort } from "../../support/free-port.ts";
import { mavenClassPath } from "./parts.ts";

const FOLDER = fileURLToPath(new URL("../kafka", import.meta.url));

/** A broker that is its own controller (KRaft), and keeps messages of a day long ago. */
export async function startBroker(folder: string, port: number): Promise<Program> {
  const classPath = await mavenClassPath(FOLDER);
  const properties = join(folder, "server.properties");
  const controller = await freePort();
  await mkdir(folder, { recursive: true });
  await writeFile(
    properties,
    `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controller}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=${join(folder, "data")}
offsets.topic.replication.factor=1
num.partitions=3
log.retention.ms=-1
`,
  );
  const java = (...args: string[]) => ["-Xmx256m", "-cp", classPath, ...args];
  await promisify(execFile)(
    "java",
    java(
      "kafka.tools.StorageTool",
      "format",
      "--ignore-formatted",
      "-t",
      "4L6g3nShT-eMCtK--X86sw",
      "-c",
      properties,
    ),
  );
  return startProgram({
    name: "kafka",
    command: "java",
    args: java("kafka.Kafka", properties),
    folder,
    ready: async () => {
      const consumer = newConsumer(port);
      try {
        return (await consumer.metadata({ topics: [] })).brokers.size > 0;
      } finally {
        await consumer.close(true);
      }
    },
  });
}

export function newConsumer(port: number) {
  return new Consumer({
    ...{ groupId: `test-${Math.random()}`, clientId: "test", bootstrapBrokers: [`127.0.0.1:${port}`] },
    deserializers: stringDeserializers,
  });
}
