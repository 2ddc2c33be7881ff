import fc from "fast-check";

/** One of the texts or byte runs with one to four of its bytes changed, often to ones that mean something in JSON. */
export function edited(goods: (string | Uint8Array)[]): fc.Arbitrary<Buffer> {
  const value = fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('"[]{},:\\0-.etf ')));
  const edits = fc.array(fc.tuple(fc.nat(1000), value), { minLength: 1, maxLength: 4 });
  return fc.tuple(fc.constantFrom(...goods), edits).map(([good, changes]) => {
    const bytes = Buffer.from(good);
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
    return bytes;
  });
}
