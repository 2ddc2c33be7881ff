import { ProduceAcks, Producer } from "@platformatic/kafka";
import type { Numbered, Sink } from "./export.ts";

/** What brokers take in one batch unless they are told otherwise is a megabyte (message.max.bytes). */
const BATCH_BYTES = 900_000;

interface Message {
  topic: string;
  key: Buffer;
  value: Buffer;
  timestamp: bigint;
}

/**
 * A Kafka topic. The key is the request id, so a request's line is always in the same partition; the value is
 * the line.
 */
export class KafkaSink implements Sink {
  readonly name = "kafka";
  private readonly producer: Producer<Buffer, Buffer, Buffer, Buffer>;
  private readonly topic: string;

  constructor(brokers: string[], topic: string) {
    this.topic = topic;
    this.producer = new Producer({
      clientId: "modelgate-collector",
      bootstrapBrokers: brokers,
      // Whether a topic is made is the brokers' setting.
      autocreateTopics: true,
      // Retries are the export's.
      retries: 0,
      acks: ProduceAcks.ALL,
    });
  }

  async send(lines: Numbered[]): Promise<number> {
    const messages = lines.map(({ line, seq }) => ({
      topic: this.topic,
      key: Buffer.from(String(line.request_id ?? seq)),
      value: Buffer.from(JSON.stringify(line)),
      timestamp: BigInt(Date.parse(String(line.start_time))),
    }));
    let refused = 0;
    for (const batch of batches(messages)) refused += await this.sendBatch(batch);
    return refused;
  }

  close(): Promise<void> {
    return this.producer.close(true);
  }

  /** @returns how many messages are too large for the brokers */
  private async sendBatch(messages: Message[]): Promise<number> {
    try {
      await this.producer.send({ messages });
      return 0;
    } catch (error) {
      if (!isTooLarge(error)) throw error;
      if (messages.length === 1) return 1;
      const half = messages.length >> 1;
      return (await this.sendBatch(messages.slice(0, half))) + (await this.sendBatch(messages.slice(half)));
    }
  }
}

function* batches(messages: Message[]): Generator<Message[]> {
  let batch: Message[] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = message.key.length + message.value.length;
    if (batch.length > 0 && bytes + size > BATCH_BYTES) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(message);
    bytes += size;
  }
  yield batch;
}

function isTooLarge(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ((error as { apiId?: string }).apiId === "MESSAGE_TOO_LARGE") return true;
  return error instanceof AggregateError && error.errors.some(isTooLarge);
}
