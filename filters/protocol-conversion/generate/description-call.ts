import { modelFault } from "../../model-protocol/common-replies";
import { MALFORMED } from "../../model-protocol/model-faults";
import { route } from "../../model-protocol/route";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
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

/** What is known of the model in `route`, of the request's route in Envoy; null: it must be asked for. */
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
  /** Of the model. */
  private readonly name: ByteBuffer = new ByteBuffer();
  private readonly version: ByteBuffer = new ByteBuffer();

  /**
   * Asks about the model in `route`.
   * @returns null when that failed at once
   */
  static start(http: HttpContext, timeoutMs: u32, listener: DescriptionListener): DescriptionCall | null {
    const call = pool.take();
    call.listener = listener;
    call.timeoutMs = timeoutMs;
    call.ofMetadata = false;
    copy(call.name, route.model);
    copy(call.version, route.version);
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
    copy(route.model, this.name);
    copy(route.version, this.version);
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

function copy(to: ByteBuffer, from: ByteBuffer): void {
  to.clear();
  to.append(from.ptr, from.len);
}
