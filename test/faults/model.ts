import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { frame, ModelInferResponse } from "../support/conversion.ts";
import { pace } from "../support/pace.ts";

/** How a model server answers a call, once it has all of it. */
export type Behaviour = (stream: ServerHttp2Stream) => void | Promise<void>;

const outputs = [{ name: "y", datatype: "FP32", shape: [1], contents: { fp32Contents: [0.5] } }];
const reply = frame(ModelInferResponse.encode(ModelInferResponse.fromObject({ outputs })).finish());
const HEADERS = { ":status": 200, "content-type": "application/grpc" };

export const answers: Behaviour = (stream) => {
  stream.respond(HEADERS, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(reply);
};

export function answersAfter(milliseconds: number): Behaviour {
  return async (stream) => {
    await pace(milliseconds);
    if (!stream.destroyed) await answers(stream);
  };
}

/** Half of a message, and then the end of the stream as if that were all. */
export const answersHalf: Behaviour = (stream) => {
  stream.respond(HEADERS, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(reply.subarray(0, reply.length / 2));
};

/** Half of a message, and then RST_STREAM. */
export const resets: Behaviour = (stream) => {
  stream.respond(HEADERS);
  stream.write(reply.subarray(0, reply.length / 2), () => stream.close(2));
};

export interface FaultyModel {
  port: number;
  behaviour: Behaviour;
  /** Ends all connections at once and listens no more. */
  kill(): Promise<void>;
  /** Listens again, on the same port. */
  start(): Promise<void>;
}

/** A gRPC model server with one answer, which behaves as it is told to. */
export async function startFaultyModel(): Promise<FaultyModel> {
  const sessions = new Set<ServerHttp2Session>();
  let server: Http2Server;
  const model: FaultyModel = {
    port: 0,
    behaviour: answers,
    async kill() {
      server.close();
      for (const session of sessions) session.destroy();
    },
    async start() {
      server = createServer();
      server.on("session", (session) => {
        sessions.add(session);
        session.on("close", () => sessions.delete(session));
        session.on("error", () => {});
      });
      server.on("stream", (stream) => {
        stream.on("error", () => {});
        stream.on("end", () => void model.behaviour(stream));
        stream.resume();
      });
      server.listen(model.port, "127.0.0.1");
      await once(server, "listening");
      model.port = (server.address() as AddressInfo).port;
    },
  };
  await model.start();
  return model;
}
