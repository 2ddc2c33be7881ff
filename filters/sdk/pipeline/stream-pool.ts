/**
 * Objects that streams borrow, made when first needed and then reused. It never shrinks, so it holds as many
 * as were borrowed at once. What a `T` held before is still in it: its owner clears it, on `take` or before
 * `release`.
 */
export class StreamPool<T> {
  private readonly free: T[] = [];

  take(): T {
    return this.free.length > 0 ? this.free.pop() : instantiate<T>();
  }

  release(item: T): void {
    this.free.push(item);
  }
}
