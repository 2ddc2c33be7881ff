import { CallFacts } from "../../model-protocol/call-facts";
import { NamedLimit } from "../named-limit";
import { PromptEstimate } from "./prompt-estimate";
import { TokenWeights } from "./token-weights";

/** A language model whose tokens are counted. */
export class TokenTask {
  readonly estimate: PromptEstimate = new PromptEstimate();

  constructor(
    /** Not active where only the tenant's limit holds. */
    readonly limit: NamedLimit,
    readonly weights: TokenWeights,
    /** Tokens of an answer whose caller names no most. */
    readonly defaultMaxTokens: f64,
  ) {}

  /** What a call may take at most, as far as that can be known before its answer. */
  mostOf(facts: CallFacts): f64 {
    return this.inputOf(facts) + this.outputOf(facts) * this.weights.output;
  }

  /** Tokens that the answers may have at most. */
  outputOf(facts: CallFacts): f64 {
    const most = facts.maxTokens > 0 ? <f64>facts.maxTokens : this.defaultMaxTokens;
    return <f64>facts.answers * most;
  }

  /** What its prompt counts, by its bytes. */
  inputOf(facts: CallFacts): f64 {
    return this.estimate.tokensOf(facts.bodyBytes) * this.weights.input;
  }
}
