/**
 * A token is at most one byte, and seldom more than eight: an image in base64 tells nothing of its tokens.
 */
const LEAST: f64 = 0.125;
const MOST: f64 = 1;
/** About that of English text, with the JSON around it. */
const FIRST: f64 = 0.25;
/** Part that each answer has in what was learnt. */
const STEP: f64 = 0.1;

/** How many tokens the bytes of a model's prompts are, learnt from what its answers say. */
export class PromptEstimate {
  private tokensPerByte: f64 = FIRST;

  tokensOf(bytes: i64): f64 {
    return Math.ceil(<f64>bytes * this.tokensPerByte);
  }

  learn(bytes: i64, tokens: i64): void {
    if (bytes <= 0 || tokens <= 0) return;
    const seen = min(max(<f64>tokens / <f64>bytes, LEAST), MOST);
    this.tokensPerByte += STEP * (seen - this.tokensPerByte);
  }
}
