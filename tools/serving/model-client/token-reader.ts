import { StringDecoder } from "node:string_decoder";

/** When the tokens of a language model's reply came. */
export interface Tokens {
  /** As the model server says; of a stream without usage, the events with a piece of the answer. */
  count: number;
  /** Of the prompt, as the model server says; 0 where it does not. */
  prompt: number;
  /** When the first and the last one came, by performance.now(); undefined when the reply was no stream. */
  firstAt: number | undefined;
  lastAt: number | undefined;
}

/** Paths of OpenAI's API whose replies are made of tokens, behind any base path. */
const PATHS = ["/chat/completions", "/completions", "/responses"];

/** Of an event, or of a whole reply, what tells of tokens. */
interface Told {
  /** Of the Responses API. */
  type?: string;
  response?: Told;
  error?: { message?: string } | string | null;
  usage?: {
    prompt_tokens?: number;
    input_tokens?: number;
    completion_tokens?: number;
    output_tokens?: number;
  } | null;
  choices?: { text?: string; delta?: Record<string, unknown> }[];
}

/** Is a request to this path answered with tokens? */
export function answersTokens(path: string): boolean {
  const [plain = ""] = path.split("?");
  return PATHS.some((each) => plain.endsWith(each));
}

/** Reads the reply of a language model as it comes: server-sent events, or one JSON object. */
export class TokenReader {
  private readonly isStream: boolean;
  private readonly decoder = new StringDecoder("utf8");
  private rest = "";
  private counted = 0;
  private reported: number | undefined;
  private prompt = 0;
  private firstAt: number | undefined;
  private lastAt: number | undefined;
  private isWhole = false;
  private failure = "";

  /** @param contentType of the reply */
  constructor(contentType: string | undefined) {
    this.isStream = contentType?.startsWith("text/event-stream") ?? false;
  }

  /** @param at when it came, by performance.now() */
  add(chunk: Buffer, at: number): void {
    this.rest += this.decoder.write(chunk);
    if (!this.isStream) return;
    const lines = this.rest.split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("data:")) this.event(line.slice("data:".length).trim(), at);
  }

  /** The reply has come to its end. @returns what is wrong with it; empty when nothing is */
  end(): string {
    if (!this.isStream) {
      const told = this.parse(this.rest);
      if (told) this.usage(told);
    } else if (!this.isWhole) this.failure ||= "the stream ended before its last event";
    return this.failure;
  }

  get tokens(): Tokens {
    return {
      count: this.reported ?? this.counted,
      prompt: this.prompt,
      firstAt: this.firstAt,
      lastAt: this.lastAt,
    };
  }

  private event(data: string, at: number): void {
    if (data === "[DONE]") {
      this.isWhole = true;
      return;
    }
    const told = this.parse(data);
    if (!told) return;
    if (told.error) this.failure ||= messageOf(told.error);
    if (told.type === "response.completed" || told.type === "response.incomplete") this.isWhole = true;
    this.usage(told);
    if (!hasToken(told)) return;
    this.counted++;
    this.firstAt ??= at;
    this.lastAt = at;
  }

  private usage({ usage, response }: Told): void {
    const told = usage ?? response?.usage ?? {};
    this.reported = told.completion_tokens ?? told.output_tokens ?? this.reported;
    this.prompt = told.prompt_tokens ?? told.input_tokens ?? this.prompt;
  }

  private parse(json: string): Told | undefined {
    try {
      return JSON.parse(json) as Told;
    } catch {
      this.failure ||= `the reply is no JSON: ${json.slice(0, 80)}`;
      return undefined;
    }
  }
}

function hasToken({ type, choices = [] }: Told): boolean {
  if (type !== undefined) return type.endsWith(".delta");
  return choices.some(
    ({ text, delta = {} }) =>
      Boolean(text) || Object.entries(delta).some(([name, value]) => name !== "role" && Boolean(value)),
  );
}

function messageOf(error: { message?: string } | string): string {
  return typeof error === "string" ? error : (error.message ?? JSON.stringify(error));
}
