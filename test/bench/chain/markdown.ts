import type { ChainResult } from "./chain.ts";
import type { Environment } from "./environment.ts";
import { cellTitle, HEADINGS, missingLines, rowsOf, START_HEADINGS, startRowsOf } from "./text.ts";

const HOW = [
  "Authentication by JWT (RS256, one token), a rate limit for each task, HTTP/JSON to gRPC and back, and a log line a request into a file: what that costs, and what it costs elsewhere.",
  "Each gateway was seen to refuse callers without a good credential and requests beyond a limit, to bring the tensor to the model server and to write its log line before it was measured.",
  "",
  "- CPU: of the gateway's process, microseconds per request, closed loop (h2load). All gateways are up at once and each round visits them in an order of its own; \"added\" is what is more than the plain proxy's in the same round: median, least and most of the rounds.",
  '- "x plain": CPU as a multiple of the plain proxy\'s. "native adds": how many times what this one adds the native chain without its cache adds.',
  '- "no filter, once more" is the same as the plain proxy: what it adds is noise, and so is as much of what others add.',
  "- Latency: open loop, at a constant rate well below saturation, counted from the moment when a request was to be sent. A percentile with no request above it is left out.",
  "- The transcoders of Envoy and Armeria read the JSON of protobuf, the others that of the Open Inference Protocol. Requests without a body are answered by Envoy itself.",
  "- A table is of one run; different ones may be of several (`--resume`).",
  "- Peak: resident memory of the process at most since the row's table began; the JVM has its own defaults.",
];

/** The result as a document; pictures are named relative to it. */
export function chainMarkdown(result: ChainResult, environment: Environment, pictures: string[]): string {
  const parts = [
    "# What the whole chain costs",
    "",
    `\`npm run bench -- chain --docs\`, ${environment.date}, ${environment.machine}; ${environment.versions.join(", ")}.`,
    "The machine is shared: trust the ratios.",
    "",
    ...HOW,
    "",
    ...pictures.map((picture) => `![${picture.replace(/\.svg$/, "").replaceAll("-", " ")}](${picture})\n`),
    ...result.tables.flatMap((table) => [
      `## ${cellTitle(table)}`,
      "",
      ...markdownTable([HEADINGS, ...rowsOf(table)]),
      "",
      ...missingLines(table).flatMap((line) => [line, ""]),
    ]),
    ...(result.starts.length > 0
      ? [
          "## Start and size",
          "",
          "From the start of the process to the first request that it answers with 200.",
          "",
          ...markdownTable([START_HEADINGS, ...startRowsOf(result.starts)]),
          "",
        ]
      : []),
    ...missingLines({ failed: result.excluded }),
  ];
  return `${parts.join("\n").trimEnd()}\n`;
}

function markdownTable([head = [], ...rows]: string[][]): string[] {
  const line = (texts: string[]) => `| ${texts.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line)];
}
