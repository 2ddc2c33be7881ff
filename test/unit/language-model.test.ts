import { afterEach, expect, it, vi } from "vitest";
import { randomModel } from "../../tools/serving/language-model/random-model.ts";
import { startLanguageModel } from "../../tools/serving/language-model/server.ts";

const ALIGNMENT = 32;
const BYTES_OF_F32 = 4;

afterEach(() => vi.unstubAllEnvs());

/** What a reader of GGUF finds, read by the words of its specification. */
function readTensors(file: Buffer): { name: string; size: number; offset: number }[] {
  let at = 0;
  const take = (bytes: number) => {
    at += bytes;
    return file.subarray(at - bytes, at);
  };
  const u32 = () => take(4).readUInt32LE();
  const u64 = () => Number(take(8).readBigUInt64LE());
  const text = () => take(u64()).toString();
  const value = (type: number): void => {
    if (type === 8) text();
    else if (type === 9) {
      const of = u32();
      for (let left = u64(); left > 0; left--) value(of);
    } else u32();
  };
  expect(take(4).toString()).toBe("GGUF");
  expect(u32()).toBe(3);
  const [tensors, entries] = [u64(), u64()];
  for (let entry = 0; entry < entries; entry++) {
    expect(text()).toMatch(/^(?:general|llama|tokenizer)\./);
    value(u32());
  }
  const found = Array.from({ length: tensors }, () => {
    const name = text();
    const shape = Array.from({ length: u32() }, u64);
    expect(u32(), "float32").toBe(0);
    return { name, size: shape.reduce((product, each) => product * each, BYTES_OF_F32), offset: u64() };
  });
  const data = Math.ceil(at / ALIGNMENT) * ALIGNMENT;
  return found.map((tensor) => ({ ...tensor, offset: data + tensor.offset }));
}

it("the random model is a GGUF file whose tensors follow each other, aligned, to its end", () => {
  const file = randomModel();
  let end = 0;
  for (const { name, size, offset } of readTensors(file)) {
    expect(offset % ALIGNMENT, name).toBe(0);
    if (end > 0) expect(offset, name).toBe(end);
    end = offset + Math.ceil(size / ALIGNMENT) * ALIGNMENT;
  }
  expect(end).toBe(file.length);
  expect(randomModel().equals(file), "the same each time").toBe(true);
});

it("without Python it is said what the language model needs", async () => {
  vi.stubEnv("PATH", "");
  await expect(startLanguageModel()).rejects.toThrow("it needs python3, 3.10 or newer");
});
