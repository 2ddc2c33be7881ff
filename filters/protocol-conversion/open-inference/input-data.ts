import { Datatype } from "../../model-protocol/datatype";
import { SlabChain } from "../body/slabs";
import { copyText, textClosed } from "../json/element-text";
import { Nesting } from "../tensor/nesting";
import { elementsRead, readElements } from "../tensor/read-elements";
import { readTextRun, textsRead } from "../tensor/read-text-run";

/** What became of the member `data` of an input. */
export enum DataState {
  Missing,
  /** It came before its datatype: its text is kept. */
  Captured,
  Read,
}

/**
 * The data of the input that is open: its elements, in lists within lists, become raw contents. Depths are
 * those of the reader when a list opens.
 */
export class InputData {
  state: DataState = DataState.Missing;
  readonly nesting: Nesting = new Nesting();
  elementCount: i64 = 0;
  private chain: SlabChain = new SlabChain();
  /** Depth of the elements of the outermost list. */
  private outermost: i32 = 0;
  /** Length of `chain` when the current string began. */
  private stringStart: i32 = 0;

  reset(): void {
    this.state = DataState.Missing;
    this.elementCount = 0;
  }

  /** The outermost list opens at `depth`; its elements go to `chain`. */
  begin(depth: i32, chain: SlabChain): void {
    this.state = DataState.Read;
    this.chain = chain;
    this.outermost = depth + 1;
    this.nesting.reset();
    this.nesting.open(0);
  }

  /** A list opens within. @returns false where none may stand */
  openList(depth: i32): bool {
    return this.nesting.open(depth - this.outermost + 1);
  }

  /** A list of `count` elements closes. @returns false where it should have another length */
  closeList(depth: i32, count: i32): bool {
    return this.nesting.close(depth - this.outermost, count);
  }

  /** May elements stand at `depth`? */
  mayHold(depth: i32): bool {
    return this.nesting.scalars(depth - this.outermost + 1);
  }

  /** Reads numbers or booleans, as `readElements`. */
  take(datatype: Datatype, at: usize, to: usize): usize {
    const end = readElements(datatype, at, to, this.chain);
    this.elementCount += elementsRead;
    return end;
  }

  /** Reads strings that are all there, as `readTextRun`. */
  takeTexts(at: usize, to: usize): usize {
    const end = readTextRun(at, to, this.chain);
    this.elementCount += textsRead;
    return end;
  }

  /** A string begins that is read piece by piece. Before its bytes stands their number, in four bytes. */
  beginText(): void {
    this.chain.appendGap(4);
    this.stringStart = this.chain.length;
  }

  /** Reads more of it, as `copyText`. */
  moreText(at: usize, to: usize): usize {
    const end = copyText(at, to, this.chain);
    if (textClosed) {
      this.chain.fillGap(this.chain.length - this.stringStart, 4);
      this.elementCount++;
    }
    return end;
  }
}
