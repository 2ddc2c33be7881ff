import { ProduceAcks, Producer } from "@platformatic/kafka";
import type { Numbered, Sink } from "./export.ts";

/** A Kafka topic. The key is the request id, so a request's line is always in the same partition; the value is the line. */
export class KafkaSink implements Sink {
  readonly name = "kafka";
  private readonly producer: Producer<Buffer, Buffer, Buffer, Buffer>;
  private readonly topic: string;

  constructor(brokers: string[], topic: string) {
    this.topic = topic;
    this.producer = new Producer({
      clientId: "modelgate-collector",
      bootstrapBrokers: brokers,
      // Retries are the export's.
      retries: 0,
      acks: ProduceAcks.ALL,
    });
  }

  async send(lines: Numbered[]): Promise<number> {
    await this.producer.send({
      messages: lines.map(({ line, seq }) => ({
        topic: this.topic,
        key: Buffer.from(String(line.request_id ?? seq)),
        value: Buffer.from(JSON.stringify(line)),
        timestamp: BigInt(Date.parse(String(line.start_time))),
      })),
    });
    return 0;
  }

  close(): Promise<void> {
    return this.producer.close(true);
  }
}
