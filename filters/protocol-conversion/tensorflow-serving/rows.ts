import { Bytes } from "../../sdk/bytes/bytes";
import { Inputs } from "./inputs";
import { MISSING_INPUT, MIXED, NAMES_NEEDED, NO_ROWS } from "./predict-faults";

/** Depth of the list `instances`. */
export const LIST_DEPTH: i32 = 2;

/**
 * `instances`: values, or objects that name the inputs. Methods that can fail return what is wrong, or null.
 */
export class Rows {
  /** Does the caller send rows, and so gets rows back? */
  present: bool = false;
  /** Are they objects with named inputs? */
  named: bool = false;
  /** Rows that are objects, so far. */
  count: i32 = 0;
  private members: i32 = 0;

  reset(): void {
    this.present = false;
    this.named = false;
    this.count = 0;
  }

  /** Are the elements of the list at `depth` rows? */
  isList(depth: i32): bool {
    return this.present && depth == LIST_DEPTH;
  }

  /** May a list stand among elements? */
  mayNest(inputs: Inputs): bool {
    return !this.present || this.named || inputs.count == 1;
  }

  /** May elements stand in a list at `depth`? */
  mayHold(inputs: Inputs, depth: i32): Bytes | null {
    const isInRow = this.named && depth > LIST_DEPTH;
    if (this.present && inputs.count > 1 && !isInRow) return NAMES_NEEDED;
    return this.named && !isInRow ? MIXED : null;
  }

  startRow(): void {
    this.members = 0;
  }

  /** The row that is open names an input. */
  startMember(inputs: Inputs): Bytes | null {
    this.members++;
    if (this.named) return null;
    this.named = true;
    const first = inputs.first;
    first.nesting.reset();
    first.values = 0;
    return this.count > 0 || first.chain.length > 0 ? MIXED : null;
  }

  endRow(inputs: Inputs): Bytes | null {
    this.count++;
    return this.members != inputs.count || !inputs.haveValues(this.count) ? MISSING_INPUT : null;
  }

  /** The list of `elements` rows is over. */
  end(elements: i32): Bytes | null {
    if (elements == 0) return NO_ROWS;
    return this.named && elements != this.count ? MIXED : null;
  }
}
