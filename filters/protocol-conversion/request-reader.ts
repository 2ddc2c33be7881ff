import { JsonReader } from "./json/reader";
import { PieceSink } from "./piece-sink";

/** The JSON of a request -> one gRPC frame. */
export abstract class RequestReader extends JsonReader {
  /** The JSON is over and all of it was consumed. @returns false when the request is not complete; `error` says why */
  abstract finish(): bool;
  /** Hands the frame to `sink`, after `finish`. */
  abstract write(sink: PieceSink): void;
  /** Gives back the memory of the request. */
  abstract release(): void;
}
