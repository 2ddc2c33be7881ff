import { Offer, weigh } from "../model-protocol/accept";
import { bytes } from "../sdk/bytes/bytes";
import { queryStart } from "../sdk/bytes/query-parameter";
import { Slice } from "../sdk/bytes/slice";
import { HttpContext } from "../sdk/pipeline/http-context";

const MODEL_STREAM_INFER = bytes("/inference.GRPCInferenceService/ModelStreamInfer");
const GENERATE_STREAM = bytes("/generate_stream");

const json = new Offer("application/json");
const events = new Offer("text/event-stream");
const lines = new Offer("application/x-ndjson");
const offers: StaticArray<Offer> = [json, events, lines];

/** Is it the gRPC path of a stream of replies? */
export function isStreamMethod(path: Slice): bool {
  return MODEL_STREAM_INFER.equals(path.ptr, path.len);
}

/** Does a caller over HTTP want a stream: by name, and no less than one reply, or by the path? */
export function asksForStream(http: HttpContext): bool {
  const path = http.path;
  const length = queryStart(path);
  const rest = length - GENERATE_STREAM.len;
  if (rest >= 0 && GENERATE_STREAM.equals(path.ptr + rest, GENERATE_STREAM.len)) return true;
  return weigh(http.headers, offers) && (isWanted(events) || isWanted(lines));
}

function isWanted(stream: Offer): bool {
  return stream.isNamed && stream.weight > 0 && stream.weight >= json.weight;
}
