import { modelFault } from "../../model-protocol/common-replies";
import { MALFORMED } from "../../model-protocol/model-faults";
import { parseRoute, route } from "../../model-protocol/route";
import { bytes } from "../../sdk/bytes/bytes";
import { HttpContext } from "../../sdk/pipeline/http-context";
import { LocalReply } from "../../sdk/pipeline/local-reply";
import { StreamPool } from "../../sdk/pipeline/stream-pool";
import { cluster, findCluster, ModelCall } from "../model-call";
import { appendModelRequest } from "../open-inference/model-request";
import { knownModel, learnModel } from "./known-models";
import { ModelDescription } from "./model-description";
import { readModelConfig, readModelMetadata } from "./read-description";

const MODEL_CONFIG = bytes("/inference.GRPCInferenceService/ModelConfig");
const MODEL_METADATA = bytes("/inference.GRPCInferenceService/ModelMetadata");

/** Who waits for a description. */
export interface DescriptionListener {
  /** A stream, which is entered, goes on; or is refused. */
  onDescription(http: HttpContext, description: ModelDescription | null, refusal: LocalReply | null): void;
}

/** What is known of the model that `parseRoute` found, of the request's route; null: it must be asked for. */
export function descriptionOf(http: HttpContext): ModelDescription | null {
  return findCluster(http) ? knownModel(cluster, route.model, route.version) : null;
}

const pool: StreamPool<DescriptionCall> = new StreamPool<DescriptionCall>();

/**
 * Asks the model server what a model takes: Triton's `ModelConfig`, which tells of decoupled models, and
 * where that has no answer `ModelMetadata`, which all servers of the protocol have.
 */
export class DescriptionCall extends ModelCall {
  private listener: DescriptionListener | null = null;
  private timeoutMs: u32 = 0;
  private ofMetadata: bool = false;

  /**
   * Asks about the model that `parseRoute` found.
   * @returns null when that failed at once
   */
  static start(http: HttpContext, timeoutMs: u32, listener: DescriptionListener): DescriptionCall | null {
    const call = pool.take();
    call.listener = listener;
    call.timeoutMs = timeoutMs;
    call.ofMetadata = false;
    if (call.call(http, MODEL_CONFIG, appendModelRequest, timeoutMs)) return call;
    call.release();
    return null;
  }

  protected get isOpenInference(): bool {
    return true;
  }

  protected answered(refusal: LocalReply | null, from: usize, to: usize): void {
    const http = this.http!;
    const listener = this.listener!;
    let description: ModelDescription | null = null;
    if (refusal == null)
      description = this.ofMetadata ? readModelMetadata(from, to) : readModelConfig(from, to);
    http.enter();
    parseRoute(http.path);
    if (description != null) {
      if (findCluster(http)) learnModel(cluster, route.model, route.version, description);
    } else if (!this.ofMetadata) {
      this.ofMetadata = true;
      if (this.call(http, MODEL_METADATA, appendModelRequest, this.timeoutMs)) return;
    }
    const why = refusal == null && description == null ? modelFault(MALFORMED) : refusal;
    listener.onDescription(http, description, why);
  }

  release(): void {
    this.forget();
    this.listener = null;
    pool.release(this);
  }
}
