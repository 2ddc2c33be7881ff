import { Bytes } from "../../sdk/bytes/bytes";
import { DUPLICATE } from "../json/faults";
import { NO_SUCH_SIGNATURE } from "./predict-faults";
import { NO_SIGNATURE, Signature } from "./signature";

/** Which of a task's signatures a Predict request means: the one that it names, or the first. */
export class SignatureChoice {
  signature: Signature = NO_SIGNATURE;
  /** Can it be no other any more? */
  known: bool = false;
  private named: bool = false;
  private all: Signature[] = [];

  reset(all: Signature[]): void {
    this.all = all;
    if (all.length > 0) this.signature = all[0];
    this.known = all.length == 1;
    this.named = false;
  }

  /** Has the task any? */
  get any(): bool {
    return this.all.length > 0;
  }

  /** The request names one. @returns what is wrong with that, or null */
  choose(ptr: usize, len: i32): Bytes | null {
    if (this.named) return DUPLICATE;
    this.named = true;
    for (let i = 0; i < this.all.length; i++) {
      const signature = this.all[i];
      if (!signature.name.equals(ptr, len)) continue;
      this.signature = signature;
      this.known = true;
      return null;
    }
    return NO_SUCH_SIGNATURE;
  }
}
