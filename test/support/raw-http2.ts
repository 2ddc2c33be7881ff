import { connect, type Socket } from "node:net";
import { until, within } from "./until.ts";

/** HTTP/2 by hand (RFC 9113, RFC 7541), for what no client library would send. */

export const TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const END_STREAM = 1;
export const END_HEADERS = 4;
const ACK = 1;
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.of(),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** An integer with a prefix of 7 bits (RFC 7541, section 5.1). */
function integer(value: number): number[] {
  if (value < 127) return [value];
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 127) | 128);
  return [...bytes, rest];
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  return Buffer.concat([Buffer.from(integer(bytes.length)), bytes]);
}

/** Headers as literals that no table keeps; any bytes may be in them. */
export function block(headers: [string, string][]): Buffer {
  return Buffer.concat(headers.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]));
}

/** A header that goes into the dynamic table, where `repeated` finds it. */
export function kept(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.of(0x40), text(name), text(value)]);
}

/** So many times the header that went into the table last. */
export const repeated = (times: number) => Buffer.alloc(times, 0x80 | 62);

/** What became of a stream: the first byte of its response's headers tells 200 (0x88), the only answer named here. */
export type Fate = "ok" | "answered" | "reset" | "goaway" | "closed" | "silent";

export class RawHttp2 {
  private readonly socket: Socket;
  private received: Buffer = Buffer.of();
  private ended = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk) => {
      this.received = Buffer.concat([this.received, chunk]);
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.ended = true;
    });
  }

  /** Connects, with the preface and settings, and takes over the server's settings. */
  static async open(port: number, settings: Uint8Array = Buffer.of()): Promise<RawHttp2> {
    const socket = connect(port, "127.0.0.1");
    const connection = new RawHttp2(socket);
    socket.write(Buffer.concat([Buffer.from(PREFACE), frame(TYPE.settings, 0, 0, settings)]));
    const answered = () => connection.frames().length > 0 || connection.ended;
    await until(answered, { message: "the server sends no settings" });
    socket.write(frame(TYPE.settings, ACK, 0));
    return connection;
  }

  /** Sends frames, or what is none, as far as the other side still listens. */
  async send(...frames: Uint8Array[]): Promise<void> {
    if (this.ended || this.socket.destroyed) return;
    await new Promise<void>((resolve) => {
      this.socket.write(Buffer.concat(frames), () => resolve());
      this.socket.once("close", () => resolve());
    });
  }

  frames(): { type: number; flags: number; stream: number; payload: Buffer }[] {
    const found = [];
    for (let at = 0; at + 9 <= this.received.length; ) {
      const length = this.received.readUIntBE(at, 3);
      if (at + 9 + length > this.received.length) break;
      found.push({
        type: this.received.readUInt8(at + 3),
        flags: this.received.readUInt8(at + 4),
        stream: this.received.readUInt32BE(at + 5),
        payload: this.received.subarray(at + 9, at + 9 + length),
      });
      at += 9 + length;
    }
    return found;
  }

  /** What became of a stream, waiting for it so many milliseconds at most. */
  async fate(stream: number, withinMs = 2000): Promise<Fate> {
    return (await within(() => this.fateNow(stream), { withinMs })) ?? "silent";
  }

  private fateNow(stream: number): Fate | undefined {
    const frames = this.frames();
    const own = frames.find((each) => each.stream === stream && each.type <= TYPE.reset);
    if (own?.type === TYPE.headers) return own.payload[0] === 0x88 ? "ok" : "answered";
    if (own?.type === TYPE.reset) return "reset";
    if (frames.some(({ type }) => type === TYPE.goaway)) return "goaway";
    return this.ended ? "closed" : undefined;
  }

  /** The first end that one of the streams or the connection comes to; if none does, whether one was answered. */
  async end(streams: number[], withinMs = 1500): Promise<Fate> {
    const fates = () => streams.map((stream) => this.fateNow(stream));
    const found = await within(() => fates().find((fate) => fate !== undefined && fate !== "ok"), {
      withinMs,
    });
    return found ?? (fates().includes("ok") ? "ok" : "silent");
  }

  close(): void {
    this.socket.destroy();
  }
}
