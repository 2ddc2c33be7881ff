import { choice, count, flag, float, integer, part, text } from "../protobuf/fields";
import { Message } from "../protobuf/message-json";
import { DATA_TYPE } from "./config-data-type";

/** How a model's requests are batched, put into sequences, or go through the steps of an ensemble. */

const TIMEOUT_ACTION = ["REJECT", "DELAY"];
const CONTROL_KIND = [
  "CONTROL_SEQUENCE_START",
  "CONTROL_SEQUENCE_READY",
  "CONTROL_SEQUENCE_END",
  "CONTROL_SEQUENCE_CORRID",
];
const QUEUE_POLICY = new Message([
  choice(1, "timeout_action", TIMEOUT_ACTION),
  count(2, "default_timeout_microseconds"),
  flag(3, "allow_timeout_override"),
  integer(4, "max_queue_size"),
]);
export const DYNAMIC_BATCHING = new Message([
  integer(1, "preferred_batch_size").many(),
  count(2, "max_queue_delay_microseconds"),
  flag(3, "preserve_ordering"),
  count(4, "priority_levels"),
  count(5, "default_priority_level"),
  part(6, "default_queue_policy", QUEUE_POLICY).maybe(),
  part(7, "priority_queue_policy", QUEUE_POLICY).byNumber(),
]);
const DIRECT = new Message([count(1, "max_queue_delay_microseconds"), float(2, "minimum_slot_utilization")]);
const OLDEST = new Message([
  integer(1, "max_candidate_sequences"),
  integer(2, "preferred_batch_size").many(),
  count(3, "max_queue_delay_microseconds"),
  flag(4, "preserve_ordering"),
]);
const CONTROL = new Message([
  choice(1, "kind", CONTROL_KIND),
  integer(2, "int32_false_true").many(),
  float(3, "fp32_false_true").many(),
  flag(5, "bool_false_true").many(),
  choice(4, "data_type", DATA_TYPE),
]);
const CONTROL_INPUT = new Message([text(1, "name"), part(2, "control", CONTROL).many()]);
const INITIAL_STATE = new Message([
  choice(1, "data_type", DATA_TYPE),
  integer(2, "dims").many(),
  flag(3, "zero_data").maybe(),
  text(4, "data_file").maybe(),
  text(5, "name"),
]);
const STATE = new Message([
  text(1, "input_name"),
  text(2, "output_name"),
  choice(3, "data_type", DATA_TYPE),
  integer(4, "dims").many(),
  part(5, "initial_state", INITIAL_STATE).many(),
  flag(6, "use_same_buffer_for_input_output"),
  flag(7, "use_growable_memory"),
]);
export const SEQUENCE_BATCHING = new Message([
  part(3, "direct", DIRECT).maybe(),
  part(4, "oldest", OLDEST).maybe(),
  count(1, "max_sequence_idle_microseconds"),
  part(2, "control_input", CONTROL_INPUT).many(),
  part(5, "state", STATE).many(),
  flag(6, "iterative_sequence"),
]);
const ENSEMBLING_STEP = new Message([
  text(1, "model_name"),
  integer(2, "model_version"),
  text(3, "input_map").mapped(),
  text(4, "output_map").mapped(),
  text(5, "model_namespace"),
]);
export const ENSEMBLING = new Message([
  part(1, "step", ENSEMBLING_STEP).many(),
  integer(2, "max_inflight_requests").maybe(),
]);
