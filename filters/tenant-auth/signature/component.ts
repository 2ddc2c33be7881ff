import { bytes } from "../../sdk/bytes/bytes";
import { Slice } from "../../sdk/bytes/slice";

const NAME = bytes("name");

/** What one line of a signature base is about (RFC 9421, section 2): a name, and perhaps parameters. */
export class Component {
  /** The name without its quotes. */
  ptr: usize = 0;
  len: i32 = 0;
  /** All of it as it is written: the name in quotes, and the parameters. */
  readonly text: Slice = new Slice();
  /** The only parameter `name`: of `@query-param`, which parameter of the query. */
  readonly parameterName: Slice = new Slice();
  private parameters: i32 = 0;

  start(name: Slice): void {
    this.ptr = name.ptr;
    this.len = name.len;
    this.parameters = 0;
    this.parameterName.len = 0;
  }

  addParameter(key: Slice, value: Slice): void {
    this.parameters++;
    if (!NAME.equals(key.ptr, key.len)) return;
    this.parameterName.ptr = value.ptr;
    this.parameterName.len = value.len;
  }

  end(from: usize, to: usize): void {
    this.text.ptr = from;
    this.text.len = <i32>(to - from);
  }

  get isPlain(): bool {
    return this.parameters == 0;
  }

  /** Has it a parameter `name` and no other? */
  get isNamed(): bool {
    return this.parameters == 1 && this.parameterName.len > 0;
  }

  equals(other: Component): bool {
    const len = this.text.len;
    return len == other.text.len && memory.compare(this.text.ptr, other.text.ptr, len) == 0;
  }
}
