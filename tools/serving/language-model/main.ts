import { startLanguageModel } from "./server.ts";

/** The language model of `modelgate dev --llm` alone, at 127.0.0.1 and $PORT or 8000, until it is stopped. */
const server = await startLanguageModel(Number(process.env.PORT ?? 8000));
console.log(`${server.model} is served at http://127.0.0.1:${server.port}/v1`);
for (const signal of ["SIGINT", "SIGTERM"])
  process.once(signal, () => void server.stop().then(() => process.exit(0)));
