import { choice, double, flag, integer, part, text } from "../protobuf/fields";
import { Message } from "../protobuf/message-json";
import { Wrapped } from "../protobuf/part-of-message";
import { DATA_TYPE } from "./config-data-type";
import { OPTIMIZATION_POLICY } from "./config-optimization";
import { DYNAMIC_BATCHING, ENSEMBLING, SEQUENCE_BATCHING } from "./config-scheduling";

/**
 * `ModelConfig` of Triton Inference Server as its REST API writes it: fields of proto3 stand there with their
 * defaults, but for messages and what is one of several.
 */

const INPUT_FORMAT = ["FORMAT_NONE", "FORMAT_NHWC", "FORMAT_NCHW"];
const BATCH_INPUT_KIND = [
  "BATCH_ELEMENT_COUNT",
  "BATCH_ACCUMULATED_ELEMENT_COUNT",
  "BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO",
  "BATCH_MAX_ELEMENT_COUNT_AS_SHAPE",
  "BATCH_ITEM_SHAPE",
  "BATCH_ITEM_SHAPE_FLATTEN",
];
const BATCH_OUTPUT_KIND = ["BATCH_SCATTER_WITH_INPUT_SHAPE"];
const DEVICE_KIND = ["KIND_NVDLA"];
const INSTANCE_KIND = ["KIND_AUTO", "KIND_GPU", "KIND_CPU", "KIND_MODEL"];
const VERSION_POLICY_LATEST = new Message([integer(1, "num_versions")]);
const VERSION_POLICY_ALL = new Message([]);
const VERSION_POLICY_SPECIFIC = new Message([integer(1, "versions").many()]);
const VERSION_POLICY = new Message([
  part(1, "latest", VERSION_POLICY_LATEST).maybe(),
  part(2, "all", VERSION_POLICY_ALL).maybe(),
  part(3, "specific", VERSION_POLICY_SPECIFIC).maybe(),
]);
const TENSOR_RESHAPE = new Message([integer(1, "shape").many()]);
const INPUT = new Message([
  text(1, "name"),
  choice(2, "data_type", DATA_TYPE),
  choice(3, "format", INPUT_FORMAT),
  integer(4, "dims").many(),
  part(5, "reshape", TENSOR_RESHAPE).maybe(),
  flag(6, "is_shape_tensor"),
  flag(7, "allow_ragged_batch"),
  flag(8, "optional"),
  flag(9, "is_non_linear_format_io"),
]);
const OUTPUT = new Message([
  text(1, "name"),
  choice(2, "data_type", DATA_TYPE),
  integer(3, "dims").many(),
  part(5, "reshape", TENSOR_RESHAPE).maybe(),
  text(4, "label_filename"),
  flag(6, "is_shape_tensor"),
  flag(7, "is_non_linear_format_io"),
]);
const BATCH_INPUT = new Message([
  choice(1, "kind", BATCH_INPUT_KIND),
  text(2, "target_name").many(),
  choice(3, "data_type", DATA_TYPE),
  text(4, "source_input").many(),
]);
const BATCH_OUTPUT = new Message([
  text(1, "target_name").many(),
  choice(2, "kind", BATCH_OUTPUT_KIND),
  text(3, "source_input").many(),
]);
const RATE_LIMITER_RESOURCE = new Message([text(1, "name"), flag(2, "global"), integer(3, "count")]);
const RATE_LIMITER = new Message([
  part(1, "resources", RATE_LIMITER_RESOURCE).many(),
  integer(2, "priority"),
]);
const SECONDARY_DEVICE = new Message([choice(1, "kind", DEVICE_KIND), integer(2, "device_id")]);
const INSTANCE_GROUP = new Message([
  text(1, "name"),
  choice(4, "kind", INSTANCE_KIND),
  integer(2, "count"),
  part(6, "rate_limiter", RATE_LIMITER).maybe(),
  integer(3, "gpus").many(),
  part(8, "secondary_devices", SECONDARY_DEVICE).many(),
  text(5, "profile").many(),
  flag(7, "passive"),
  text(9, "host_policy"),
]);
const PARAMETER = new Message([text(1, "string_value")]);
const WARMUP_INPUT = new Message([
  choice(1, "data_type", DATA_TYPE),
  integer(2, "dims").many(),
  flag(3, "zero_data").maybe(),
  flag(4, "random_data").maybe(),
  text(5, "input_data_file").maybe(),
]);
const WARMUP = new Message([
  text(1, "name"),
  integer(2, "batch_size"),
  part(3, "inputs", WARMUP_INPUT).mapped(),
  integer(4, "count"),
]);
const OPERATIONS = new Message([text(1, "op_library_filename").many()]);
const TRANSACTION_POLICY = new Message([flag(1, "decoupled")]);
const REPOSITORY_AGENTS_AGENT = new Message([text(1, "name"), text(2, "parameters").mapped()]);
const REPOSITORY_AGENTS = new Message([part(1, "agents", REPOSITORY_AGENTS_AGENT).many()]);
const RESPONSE_CACHE = new Message([flag(1, "enable")]);
const METRIC_IDENTIFIER = new Message([text(1, "family")]);
const HISTOGRAM_OPTIONS = new Message([double(1, "buckets").many()]);
const METRIC_CONTROL = new Message([
  part(1, "metric_identifier", METRIC_IDENTIFIER).maybe(),
  part(2, "histogram_options", HISTOGRAM_OPTIONS).maybe(),
]);
const METRICS = new Message([part(1, "metric_control", METRIC_CONTROL).many()]);
const CONFIG = new Message([
  text(1, "name"),
  text(2, "platform"),
  text(17, "backend"),
  text(25, "runtime"),
  part(3, "version_policy", VERSION_POLICY).maybe(),
  integer(4, "max_batch_size"),
  part(5, "input", INPUT).many(),
  part(6, "output", OUTPUT).many(),
  part(20, "batch_input", BATCH_INPUT).many(),
  part(21, "batch_output", BATCH_OUTPUT).many(),
  part(12, "optimization", OPTIMIZATION_POLICY).maybe(),
  part(11, "dynamic_batching", DYNAMIC_BATCHING).maybe(),
  part(13, "sequence_batching", SEQUENCE_BATCHING).maybe(),
  part(15, "ensemble_scheduling", ENSEMBLING).maybe(),
  part(7, "instance_group", INSTANCE_GROUP).many(),
  text(8, "default_model_filename"),
  text(9, "cc_model_filenames").mapped(),
  text(10, "metric_tags").mapped(),
  part(14, "parameters", PARAMETER).mapped(),
  part(16, "model_warmup", WARMUP).many(),
  part(18, "model_operations", OPERATIONS).maybe(),
  part(19, "model_transaction_policy", TRANSACTION_POLICY).maybe(),
  part(23, "model_repository_agents", REPOSITORY_AGENTS).maybe(),
  part(24, "response_cache", RESPONSE_CACHE).maybe(),
  part(26, "model_metrics", METRICS).maybe(),
]);

/** `ModelConfigResponse`. */
export const MODEL_CONFIG = new Wrapped(CONFIG);
