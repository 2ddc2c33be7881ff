import { choice, flag, integer, part, text } from "../protobuf/fields";
import { Message } from "../protobuf/message-json";

/** `ModelOptimizationPolicy`, with what is in it. */

const PRIORITY = ["PRIORITY_DEFAULT", "PRIORITY_MAX", "PRIORITY_MIN"];
const GRAPH = new Message([integer(1, "level")]);
const GRAPH_SHAPE = new Message([integer(1, "dim").many()]);
const GRAPH_LOWER_BOUND = new Message([integer(1, "batch_size"), part(2, "input", GRAPH_SHAPE).mapped()]);
const GRAPH_SPEC = new Message([
  integer(1, "batch_size"),
  part(2, "input", GRAPH_SHAPE).mapped(),
  part(3, "graph_lower_bound", GRAPH_LOWER_BOUND).maybe(),
]);
const CUDA = new Message([
  flag(1, "graphs"),
  flag(2, "busy_wait_events"),
  part(3, "graph_spec", GRAPH_SPEC).many(),
  flag(4, "output_copy_stream"),
]);
const ACCELERATOR = new Message([text(1, "name"), text(2, "parameters").mapped()]);
const ACCELERATORS = new Message([
  part(1, "gpu_execution_accelerator", ACCELERATOR).many(),
  part(2, "cpu_execution_accelerator", ACCELERATOR).many(),
]);
const PINNED_MEMORY = new Message([flag(1, "enable")]);
export const OPTIMIZATION_POLICY = new Message([
  part(1, "graph", GRAPH).maybe(),
  choice(2, "priority", PRIORITY),
  part(3, "cuda", CUDA).maybe(),
  part(4, "execution_accelerators", ACCELERATORS).maybe(),
  part(5, "input_pinned_memory", PINNED_MEMORY).maybe(),
  part(6, "output_pinned_memory", PINNED_MEMORY).maybe(),
  integer(7, "gather_kernel_buffer_threshold"),
  flag(8, "eager_batching"),
]);
