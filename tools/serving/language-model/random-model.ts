import { createCipheriv } from "node:crypto";
import { type GgufTensor, type GgufValue, gguf } from "./gguf.ts";
import { WORDS } from "./words.ts";

/**
 * A real language model that is as small as can be, a transformer of Llama's architecture with random
 * weights: what it says means nothing, but servers load, batch, sample and stream it as any other.
 */

/** Name under which a server shows it. */
export const MODEL_NAME = "random-llama";

const WIDTH = 64;
const HEADS = 4;
const LAYERS = 2;
const FEED_FORWARD = 128;
const CONTEXT_TOKENS = 32_768;
/** Standard deviation of the weights. */
const SPREAD = 0.3;

const BOS = "<|bos|>";
const EOS = "<|eos|>";
const BYTES = 256;
/** Random bytes are made in blocks of so many. */
const BLOCK_BYTES = 65_536;
/** Types of tokens, as llama.cpp numbers them. */
const TOKEN_TYPE = { normal: 1, control: 3 };

const CHAT_TEMPLATE =
  "{% for m in messages %}{{ m.role }}: {% if m.content is string %}{{ m.content }}{% elif m.content %}" +
  "{% for part in m.content %}{{ part.text }}{% endfor %}{% endif %}\n{% endfor %}" +
  "{% if add_generation_prompt %}assistant:{% endif %}";

/**
 * The model as a GGUF file: about 600 KB, the same bytes each time. It reads text byte by byte, and says
 * words.
 */
export function randomModel(): Buffer {
  const letters = byteLetters();
  const spell = (word: string) => Array.from(Buffer.from(word), (byte) => letters[byte]).join("");
  const tokens = [...letters, BOS, EOS, ...WORDS.map((word) => spell(` ${word}`))];
  const metadata: Record<string, GgufValue> = {
    "general.architecture": { string: "llama" },
    "general.name": { string: MODEL_NAME },
    "llama.context_length": { u32: CONTEXT_TOKENS },
    "llama.embedding_length": { u32: WIDTH },
    "llama.block_count": { u32: LAYERS },
    "llama.feed_forward_length": { u32: FEED_FORWARD },
    "llama.attention.head_count": { u32: HEADS },
    "llama.attention.head_count_kv": { u32: HEADS },
    "llama.attention.layer_norm_rms_epsilon": { f32: 1e-5 },
    "llama.rope.dimension_count": { u32: WIDTH / HEADS },
    "llama.vocab_size": { u32: tokens.length },
    "tokenizer.ggml.model": { string: "gpt2" },
    "tokenizer.ggml.pre": { string: "gpt-2" },
    "tokenizer.ggml.tokens": { strings: tokens },
    "tokenizer.ggml.token_type": {
      i32s: tokens.map((token) => (token === BOS || token === EOS ? TOKEN_TYPE.control : TOKEN_TYPE.normal)),
    },
    // llama.cpp wants one; it joins letters that no text has side by side.
    "tokenizer.ggml.merges": { strings: [`${letters[0]} ${letters[0]}`] },
    "tokenizer.ggml.bos_token_id": { u32: tokens.indexOf(BOS) },
    "tokenizer.ggml.eos_token_id": { u32: tokens.indexOf(EOS) },
    "tokenizer.chat_template": { string: CHAT_TEMPLATE },
  };
  return gguf(metadata, tensors(tokens.length));
}

function tensors(vocabulary: number): GgufTensor[] {
  const gaussian = gaussians();
  const random = (name: string, columns: number, rows: number): GgufTensor => ({
    ...{ name: `${name}.weight`, shape: [columns, rows] },
    values: Float32Array.from({ length: columns * rows }, () => gaussian() * SPREAD),
  });
  const norm = (name: string): GgufTensor => ({
    ...{ name: `${name}.weight`, shape: [WIDTH], values: new Float32Array(WIDTH).fill(1) },
  });
  const output = random("output", WIDTH, vocabulary);
  // Single bytes are read, and hardly ever said: their scores are all 0.
  output.values.fill(0, 0, BYTES * WIDTH);
  const layers = Array.from({ length: LAYERS }, (_, layer) => `blk.${layer}`).flatMap((block) => [
    norm(`${block}.attn_norm`),
    ...["q", "k", "v", "output"].map((part) => random(`${block}.attn_${part}`, WIDTH, WIDTH)),
    norm(`${block}.ffn_norm`),
    random(`${block}.ffn_gate`, WIDTH, FEED_FORWARD),
    random(`${block}.ffn_up`, WIDTH, FEED_FORWARD),
    random(`${block}.ffn_down`, FEED_FORWARD, WIDTH),
  ]);
  return [random("token_embd", WIDTH, vocabulary), ...layers, norm("output_norm"), output];
}

/** Numbers of the standard normal distribution (Box and Muller), the same each time. */
function gaussians(): () => number {
  const stream = createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16));
  const zeros = Buffer.alloc(BLOCK_BYTES);
  let block = zeros;
  let at = BLOCK_BYTES;
  const uniform = () => {
    if (at === BLOCK_BYTES) [block, at] = [stream.update(zeros), 0];
    at += 4;
    return (block.readUInt32LE(at - 4) + 1) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** How GPT-2's vocabulary writes each byte: printable ones as they are, the others from U+0100 on. */
function byteLetters(): string[] {
  let next = BYTES;
  return Array.from({ length: BYTES }, (_, byte) => {
    const isPrintable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173);
    return String.fromCodePoint(isPrintable ? byte : next++);
  });
}
