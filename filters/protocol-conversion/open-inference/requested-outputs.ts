/** The outputs that an inference request names, and which of them it wants as binary data. */
export class RequestedOutputs {
  count: i32 = 0;
  /** Are outputs wanted as binary data unless they say otherwise? */
  binaryByDefault: bool = false;
  private binary: i32 = 0;
  private unsaid: i32 = 0;

  reset(): void {
    this.count = 0;
    this.binaryByDefault = false;
    this.binary = 0;
    this.unsaid = 0;
  }

  /** @param binary is it wanted as binary data: 1 or 0, or -1 when it does not say */
  add(binary: i32): void {
    this.count++;
    if (binary == 1) this.binary++;
    else if (binary < 0) this.unsaid++;
  }

  /** Are all of them wanted as binary data? Once the request is read. */
  get areBinary(): bool {
    if (this.count == 0) return this.binaryByDefault;
    return this.binary + (this.binaryByDefault ? this.unsaid : 0) == this.count;
  }
}
