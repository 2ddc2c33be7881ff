import { HttpContext } from "../sdk/http-context";

/** Streams that wait for a token, in the order they came. Bounded; its places are made once. */
export class WaitingLine {
  private readonly places: StaticArray<HttpContext | null>;
  length: i32 = 0;

  constructor(most: i32) {
    this.places = new StaticArray<HttpContext | null>(most);
  }

  /** @returns false when the line is full. */
  join(http: HttpContext): bool {
    if (this.length == this.places.length) return false;
    this.places[this.length++] = http;
    return true;
  }

  at(index: i32): HttpContext {
    return this.places[index]!;
  }

  /** Takes out the one at `index`; those behind move up. */
  removeAt(index: i32): void {
    this.length--;
    for (let i = index; i < this.length; i++) this.places[i] = this.places[i + 1];
    this.places[this.length] = null;
  }

  remove(http: HttpContext): void {
    for (let i = 0; i < this.length; i++) {
      if (this.places[i] != http) continue;
      this.removeAt(i);
      return;
    }
  }
}
