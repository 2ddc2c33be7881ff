import { BodyAction, HeadersAction, TrailersAction } from "../host/actions";
import { Config } from "./config";
import { HttpContext } from "./http-context";

/**
 * One step of the pipeline. The same stage runs in a module of its own and, beside the others, in
 * `gateway.wasm`. A hook may be called for many streams in turn: what belongs to a stream lives in the
 * context or in a StreamState.
 */
export abstract class Stage {
  /** Position in its pipeline, which is also where its StreamState lies. */
  slot: i32 = 0;

  /** The field of the plug-in configuration that is this stage's. */
  abstract get key(): string;

  /** Must the plug-in configuration have it? */
  get isRequired(): bool {
    return true;
  }

  /**
   * Does the stage make a pipeline of its own, in a filter beside that of the other stages? The field of the
   * configuration decides: with it this stage runs and no other, without it all others do.
   */
  get isApart(): bool {
    return false;
  }

  /**
   * May the request pass before its headers are read? Asked of a stage that is apart; it then sees nothing of
   * the stream.
   */
  passesUnread(): bool {
    return false;
  }

  /** Once configured: does it want every stage of its pipeline timed, for `HttpContext.times`? */
  get wantsTimes(): bool {
    return false;
  }

  /** Reads the configuration; faults go to `config.fault`, and the host then refuses the plug-in. */
  abstract configure(config: Config): void;

  onRequestHeaders(_http: HttpContext, _endOfStream: bool): HeadersAction {
    return HeadersAction.CONTINUE;
  }

  /**
   * A chunk of `size` bytes lies in the request body buffer. A stage that puts another chunk there says its
   * size in `http.chunkBytes`.
   */
  onRequestBody(_http: HttpContext, _size: i32, _endOfStream: bool): BodyAction {
    return BodyAction.CONTINUE;
  }

  onRequestTrailers(_http: HttpContext): TrailersAction {
    return TrailersAction.CONTINUE;
  }

  onResponseHeaders(_http: HttpContext, _endOfStream: bool): HeadersAction {
    return HeadersAction.CONTINUE;
  }

  /** A chunk of `size` bytes lies in the response body buffer. */
  onResponseBody(_http: HttpContext, _size: i32, _endOfStream: bool): BodyAction {
    return BodyAction.CONTINUE;
  }

  onResponseTrailers(_http: HttpContext): TrailersAction {
    return TrailersAction.CONTINUE;
  }

  /** The stream is over and will be logged. Called in modules that export `proxy_on_log`. */
  onLog(_http: HttpContext): void {}

  /**
   * The last call for a stream, made where it has a StreamState of this stage: the place to give that back.
   */
  onDone(_http: HttpContext): void {}

  /** Once a second in each VM. */
  onTick(): void {}

  /** The plug-in ends: no callback comes after this. */
  onDelete(): void {}

  /** Every few milliseconds while a stage of the plug-in is in a hurry; see `PipelineFacts.hurry`. */
  onShortTick(): void {}
}
