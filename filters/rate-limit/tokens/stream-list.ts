import { HttpContext } from "../../sdk/pipeline/http-context";

/** Streams of one VM, in the order they came. Its places are made once. */
export class StreamList {
  private readonly places: StaticArray<HttpContext | null>;
  length: i32 = 0;

  constructor(most: i32) {
    this.places = new StaticArray<HttpContext | null>(most);
  }

  /** @returns false: there is no room */
  add(http: HttpContext): bool {
    if (this.length == this.places.length) return false;
    this.places[this.length++] = http;
    return true;
  }

  at(index: i32): HttpContext {
    return this.places[index]!;
  }

  /** Takes out a stream, if it is there; those behind move up. */
  remove(http: HttpContext): void {
    let place = 0;
    while (place < this.length && this.places[place] != http) place++;
    if (place == this.length) return;
    this.length--;
    for (let i = place; i < this.length; i++) this.places[i] = this.places[i + 1];
    this.places[this.length] = null;
  }
}
