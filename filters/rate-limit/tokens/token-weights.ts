import { TokenUsage } from "../../model-protocol/token-usage";
import { Config } from "../../sdk/pipeline/config";

/** As tools/api/token-limits.ts has it. */
const MOST_WEIGHT: f64 = 1000;

/** What a token of each kind takes of a limit. */
export class TokenWeights {
  input: f64 = 1;
  cachedInput: f64 = 1;
  output: f64 = 1;
  reasoning: f64 = 1;

  /** What an answer took: cached tokens are part of the input's, reasoning's part of the output's. */
  costOf(usage: TokenUsage): f64 {
    const cached = min(usage.cached, usage.input);
    const reasoning = min(usage.reasoning, usage.output);
    return (
      <f64>(usage.input - cached) * this.input +
      <f64>cached * this.cachedInput +
      <f64>(usage.output - reasoning) * this.output +
      <f64>reasoning * this.reasoning
    );
  }

  /** Reads `weights` of a task; absent: each token counts as one. */
  static read(task: Config): TokenWeights {
    const weights = new TokenWeights();
    const config = task.object("weights");
    if (config == null) return weights;
    weights.input = config.number("input", 1, 0);
    weights.cachedInput = config.number("cachedInput", weights.input, 0);
    weights.output = config.number("output", 1, 0);
    weights.reasoning = config.number("reasoning", weights.output, 0);
    const most = max(max(weights.input, weights.cachedInput), max(weights.output, weights.reasoning));
    if (most > MOST_WEIGHT) config.fault("", "must be at most 1000 each");
    config.finish();
    return weights;
  }
}
