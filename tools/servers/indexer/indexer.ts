import {
  Consumer,
  type Message,
  MessagesStreamFallbackModes,
  MessagesStreamModes,
} from "@platformatic/kafka";
import type { Logger } from "pino";
import { Bulk } from "../collector/exports/bulk.ts";
import type { Endpoint } from "../collector/exports/endpoint.ts";
import { retried } from "../collector/exports/retry.ts";
import { inBatches } from "./batches.ts";
import { operationOf, RESULT_TOPICS } from "./documents.ts";

interface IndexerOptions {
  brokers: string[];
  /** Consumer group, which remembers how far the indexer is. */
  group: string;
  elasticsearch: Endpoint;
  log: Logger;
}

interface Indexer {
  /** Resolves when what was read is written, or given up. */
  stop(): Promise<void>;
  /** Rejects when Kafka's client gives up. */
  ended: Promise<void>;
}

type Results = Message<Buffer, Buffer, Buffer, Buffer>[];

/** Results in one turn, and how long they wait for more. */
const MOST = 2_000;
const WAIT_MS = 500;

/**
 * Writes the results of the stream job from Kafka into Elasticsearch or OpenSearch, each under its key. How
 * far it is goes back to Kafka once they are written: after a crash some are written again, over themselves.
 * @throws Error when no broker answers
 */
export async function startIndexer({ brokers, group, elasticsearch, log }: IndexerOptions): Promise<Indexer> {
  const consumer = new Consumer({
    ...{ groupId: group, clientId: "modelgate-indexer", bootstrapBrokers: brokers },
    // The job makes a topic with its first result, of which there may be none yet.
    autocreateTopics: true,
  });
  const bulk = new Bulk(elasticsearch, log);
  const end = new AbortController();
  await untilThere(consumer, end.signal, log);
  const stream = await consumer.consume({
    topics: [...RESULT_TOPICS],
    mode: MessagesStreamModes.COMMITTED,
    fallbackMode: MessagesStreamFallbackModes.EARLIEST,
    autocommit: false,
  });
  const write = async (results: Results) => {
    const operations = results.map(operationOf).filter((each) => each !== undefined);
    if (operations.length < results.length)
      log.warn({ messages: results.length - operations.length }, "messages that are no JSON are left out");
    const failed = (error: unknown, retryMs: number) =>
      log.warn({ err: error, retryMs }, "results could not be written; it is tried again");
    const refused = await retried(() => bulk.send(operations, end.signal), end.signal, failed);
    if (refused === undefined) return;
    await consumer.commit({ offsets: furthest(results) });
    log.debug({ documents: operations.length - refused, refused }, "results are written");
  };
  const ended = (async () => {
    for await (const results of inBatches(stream, MOST, WAIT_MS)) await write(results);
  })();
  return {
    ended,
    async stop() {
      end.abort();
      await stream.close();
      await ended.catch(() => {});
      await consumer.close(true);
    },
  };
}

/** Waits for the topics, which come to be when they are asked for: partitions are handed out but once. */
async function untilThere(consumer: Consumer, signal: AbortSignal, log: Logger): Promise<void> {
  const topics = [...RESULT_TOPICS];
  const ask = async () => {
    const known = await consumer.metadata({ topics, autocreateTopics: true, forceUpdate: true });
    const missing = topics.filter((topic) => !known.topics.get(topic)?.partitions.length);
    if (missing.length > 0) throw new Error(`the brokers have no ${missing.join(", ")} yet`);
  };
  await retried(ask, signal, (error, retryMs) =>
    log.info({ err: error, retryMs }, "the topics are not there yet"),
  );
}

/** Where each partition is to be read on. */
function furthest(results: Results) {
  const next = new Map(
    results.map(({ topic, partition, offset }) => [
      `${topic} ${partition}`,
      { topic, partition, offset: offset + 1n, leaderEpoch: -1 },
    ]),
  );
  return [...next.values()];
}
