import { ModelCall } from "../../sdk/pipeline/model-call";
import { Answer, TokenCall } from "./token-call";

/**
 * Notes for the log what a call came to; one that no model answered came to nothing.
 * @param isWhole the answer came to its end
 */
export function tellCall(to: ModelCall, call: TokenCall, isWhole: bool): void {
  if (!call.hasAnswer) return;
  const usage = call.usage;
  to.answered = true;
  to.aborted = !isWhole && !call.gate.closed;
  to.estimated = !call.hasUsage;
  to.input = call.hasUsage ? usage.input : call.prompt;
  to.cached = min(usage.cached, usage.input);
  to.output = call.hasUsage ? usage.output : call.delivered;
  to.reasoning = min(usage.reasoning, usage.output);
  to.tell(usage.model, usage.finish);
  to.streamed = call.answer == Answer.Events && call.firstAt != 0;
  if (!to.streamed) return;
  to.firstToken = call.firstAt - call.startedAt;
  if (to.output > 1) to.perToken = (call.lastAt - call.firstAt) / (to.output - 1);
}
