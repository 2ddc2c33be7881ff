import { Field, Kind, Message } from "../protobuf/message-json";
import { WrappedList } from "../protobuf/part-of-message";

/** Replies that tell of a server's models; see proto/model_inspection.proto. */

const DURATION = new Message([new Field(1, "count", Kind.Uint64), new Field(2, "ns", Kind.Uint64)]);

const duration = (number: i32, name: string): Field => new Field(number, name, Kind.Message).of(DURATION);

const INFER = new Message([
  duration(1, "success"),
  duration(2, "fail"),
  duration(3, "queue"),
  duration(4, "compute_input"),
  duration(5, "compute_infer"),
  duration(6, "compute_output"),
  duration(7, "cache_hit"),
  duration(8, "cache_miss"),
]);
const RESPONSE = new Message([
  duration(1, "compute_infer"),
  duration(2, "compute_output"),
  duration(3, "success"),
  duration(4, "fail"),
  duration(5, "empty_response"),
  duration(6, "cancel"),
]);
const BATCH = new Message([
  new Field(1, "batch_size", Kind.Uint64),
  duration(2, "compute_input"),
  duration(3, "compute_infer"),
  duration(4, "compute_output"),
]);
const MEMORY = new Message([
  new Field(1, "type", Kind.String),
  new Field(2, "id", Kind.Int64),
  new Field(3, "byte_size", Kind.Uint64),
]);
const MODEL = new Message([
  new Field(1, "name", Kind.String),
  new Field(2, "version", Kind.String),
  new Field(3, "last_inference", Kind.Uint64),
  new Field(4, "inference_count", Kind.Uint64),
  new Field(5, "execution_count", Kind.Uint64),
  new Field(6, "inference_stats", Kind.Message).of(INFER),
  new Field(9, "response_stats", Kind.Message).of(RESPONSE).mapped(),
  new Field(7, "batch_stats", Kind.Message).of(BATCH).many(),
  new Field(8, "memory_usage", Kind.Message).of(MEMORY).many(),
]);

/** `ModelStatisticsResponse`. */
export const MODEL_STATISTICS = new Message([new Field(1, "model_stats", Kind.Message).of(MODEL).many()]);

/** `RepositoryIndexResponse`. */
export const REPOSITORY_INDEX = new WrappedList(
  new Message([
    new Field(1, "name", Kind.String),
    new Field(2, "version", Kind.String).maybe(),
    new Field(3, "state", Kind.String).maybe(),
    new Field(4, "reason", Kind.String).maybe(),
  ]),
);
