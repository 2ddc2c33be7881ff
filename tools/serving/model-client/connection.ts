import type { Tokens } from "./token-reader.ts";

/** A request as it goes over the wire, encoded once and sent many times. */
export interface PreparedRequest {
  protocol: "grpc" | "http";
  method: "GET" | "POST";
  path: string;
  /** Header fields beside those of the protocol, names in lower case. */
  headers: Record<string, string>;
  /** The message of a gRPC call, the body of an HTTP request. */
  payload: Buffer;
}

/** How a request ended. */
export interface Outcome {
  ok: boolean;
  /** gRPC status (or -1 when the stream broke), or HTTP status (0 when there was no answer). */
  code: number;
  /** What was wrong; empty when nothing was. */
  reason: string;
  /** The model server may be able to answer it later: it is loading, or not there yet. */
  mayPass: boolean;
  /** The message or body that came; empty unless asked for. */
  reply: Buffer;
  /** Of a language model's answer. */
  tokens?: Tokens;
}

/**
 * Sends requests to one address. It connects when there is something to send, and anew when a connection has
 * gone.
 */
export interface Connection {
  /**
   * Sends one request. Never rejects: what goes wrong is in the outcome.
   * @param timeoutMs for the answer
   * @param keepReply whether the outcome holds the reply
   */
  send(request: PreparedRequest, timeoutMs: number, keepReply?: boolean): Promise<Outcome>;
  close(): void;
}

/** For questions to the server, unless said: what its model takes, which types its methods have. */
export const ANSWER_TIMEOUT_MS = 10_000;

export const NO_REPLY = Buffer.alloc(0);

/** The server gave no answer to make a request from; it may later. */
export class NotAnswered extends Error {
  readonly mayPass: boolean;
  constructor(message: string, mayPass: boolean) {
    super(message);
    this.mayPass = mayPass;
  }
}
