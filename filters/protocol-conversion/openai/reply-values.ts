import { Bytes } from "../../sdk/bytes/bytes";
import { Char, isDigit } from "../../sdk/bytes/chars";
import { SlabChain } from "../body/slabs";
import { Output } from "../open-inference/output";
import { OpenAiMapping } from "./mapping";

/** What a model says beside its text: JSON of the elements of outputs, commas between them. */
export class ReplyValues {
  readonly finishReason: SlabChain = new SlabChain();
  readonly promptTokens: SlabChain = new SlabChain();
  readonly completionTokens: SlabChain = new SlabChain();
  /** Of outputs that nobody asked for. */
  private readonly others: SlabChain = new SlabChain();

  release(): void {
    this.finishReason.release();
    this.promptTokens.release();
    this.completionTokens.release();
    this.others.release();
  }

  /** Where the elements of an output go; what was there goes away. */
  of(mapping: OpenAiMapping, output: Output): SlabChain {
    const ptr = output.name.ptr;
    const len = output.name.len;
    let chain = this.others;
    if (isNamed(mapping.finishReason, ptr, len)) {
      // Of several elements none is the reason.
      if (output.product == 1) chain = this.finishReason;
    } else if (isNamed(mapping.promptTokens, ptr, len)) chain = this.promptTokens;
    else if (isNamed(mapping.completionTokens, ptr, len)) chain = this.completionTokens;
    chain.release();
    return chain;
  }
}

function isNamed(name: Bytes, ptr: usize, len: i32): bool {
  return name.len > 0 && name.equals(ptr, len);
}

/** The last number of the JSON in `chain`, which is not below 0; 0 where it is none. */
export function lastNumber(chain: SlabChain): u64 {
  const slab = chain.firstSlab;
  if (slab == 0) return 0;
  let value: u64 = 0;
  let fresh = true;
  const end = chain.slabData(slab) + <usize>chain.slabLength(slab);
  for (let at = chain.slabData(slab); at < end; at++) {
    const c = load<u8>(at);
    if (!isDigit(c)) fresh = true;
    else {
      value = (fresh ? 0 : value * 10) + (c - Char._0);
      fresh = false;
    }
    if (c == Char.DOT) break;
  }
  return value;
}

/** Does `chain` hold a text that is not empty, and lies in one slab? A reason of an end is a word. */
export function holdsText(chain: SlabChain): bool {
  const slab = chain.firstSlab;
  if (slab == 0 || chain.length != chain.slabLength(slab)) return false;
  return chain.length > 2 && load<u8>(chain.slabData(slab)) == Char.QUOTE;
}
