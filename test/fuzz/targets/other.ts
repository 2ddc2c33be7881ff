import type { HeaderList } from "../../../tools/lib/host/header-pairs.ts";
import { HostProcess } from "../../../tools/lib/host/process.ts";
import { report as controllersReport } from "../../../tools/servers/controller/protocol.ts";
import { ModelInferRequest } from "../../support/conversion.ts";
import { mutate as mutateText, type Random } from "../../support/mutate.ts";
import { FuzzedFilter } from "../filter.ts";
import { anyNumber, anyText, mutateBytes, mutateJson, parsed, Raw, spell } from "../generate/json.ts";
import { countedModule, countedVm } from "../module.ts";
import { check, type Harness, type Target } from "../target.ts";

/** Paths, the controller's replies, the access log's lines, trace ids. */

const latin1 = (text: string) => Buffer.from(text, "latin1");
const utf8 = (text: string) => Buffer.from(text).toString("latin1");

const routes: Target = {
  name: "route",
  about: "paths of both REST protocols: the model's name is what decodeURIComponent makes of it",
  async open(): Promise<Harness> {
    const signatures = [{ name: "serving_default", inputs: [{ name: "x", dtype: "DT_FLOAT" }] }];
    const config = { tasks: [{ taskid: "1", signatures }] };
    const filter = await FuzzedFilter.start("protocol-conversion", { protocolConversion: config });
    return {
      modules: [filter.counted],
      generate: (random) => latin1(random.pick(PATHS)),
      mutate: (one, two, random) => {
        const [a, b] = [one.toString("latin1"), two.toString("latin1")];
        if (random.below(3)) return latin1(mutateText(a, random).slice(0, 4096));
        return latin1(
          (a.slice(0, random.below(a.length + 1)) + b.slice(random.below(b.length + 1))).slice(0, 4096),
        );
      },
      run(input) {
        filter.begin(input.length + 1000);
        const path = input.toString("latin1");
        const stream = filter.vm.open([
          [":method", "POST"],
          [":path", path],
          ["taskid", "1"],
        ]);
        const sent = stream.reply
          ? Buffer.of()
          : Buffer.from(stream.sendRequestBody(latin1('{"inputs":[]}')));
        stream.close();
        const { reply } = stream;
        if (reply) {
          check(
            reply.status >= 400 && parsed(latin1(reply.body)) !== undefined,
            () => `it answers ${reply.body}`,
          );
          return undefined;
        }
        const segment = /^\/v2\/models\/([^/?]+)(?:\/versions\/([^/?]+))?\/infer(?:\?|$)/.exec(path);
        if (!stream.header(":path")?.endsWith("ModelInfer")) return undefined;
        check(segment !== null, "it is no path of a model");
        const { modelName, modelVersion } = ModelInferRequest.toObject(
          ModelInferRequest.decode(sent.subarray(5)),
          { defaults: true },
        );
        check(
          modelName === decoded(segment[1]) && modelVersion === decoded(segment[2] ?? ""),
          () => `it names ${modelName} ${modelVersion}`,
        );
        return undefined;
      },
    };
  },
};

/** What a segment of bytes says; undefined for what is no encoding of UTF-8. */
function decoded(segment = ""): string | undefined {
  try {
    return decodeURIComponent(segment.replace(/[\x80-\xff]/g, (c) => `%${c.charCodeAt(0).toString(16)}`));
  } catch {
    return undefined;
  }
}

const PATHS = [
  ...[
    "/v2/models/m/infer",
    "/v2/models/m%20%C3%A9%2F/versions/7/infer?x=1",
    "/v2/models/\xc3\xa9/infer",
    "/v2/health/live",
    "/v2/health/ready",
    "/v2",
    "/v2/models/m",
  ],
  ...[
    "/v1/models/m:predict",
    "/v1/models/m/versions/1:predict",
    "/v1/models/m/labels/a:classify",
    "/v1/models/m:regress",
    "/v1/models/m/metadata",
    "/v1/models/m%3apredict",
  ],
];

const V1 = "limits.modelgate.dev/v1";
const limitWords = [
  "apiVersion",
  "generation",
  "full",
  "tasks",
  "tenants",
  "revoked",
  "requestsPerSecond",
  ...["taskTokens", "tenantTokens", "tokensPerSecond"],
  "burst",
  "maxInFlight",
  ...[
    "budgets",
    "accounts",
    "prices",
    "lease",
    "granted",
    "keep",
    "endsInMs",
    "limit",
    "remaining",
    "warned",
    "closed",
  ],
  ...["version", "currency", "EUR"],
  V1,
  "1",
].map((word) => JSON.stringify(word));

interface LimitsReply {
  apiVersion: string;
  generation: number;
  full: boolean;
}

const limitsReply: Target = {
  name: "limits-reply",
  about: "the controller's replies: what the filter holds is the generation of one that JSON.parse reads",
  async open(): Promise<Harness> {
    const address = { gateway: "search/ingress", cluster: "controller", pod: "gw-1", token: "s3cret" };
    const config = {
      tasks: [{ taskid: "1", requestsPerSecond: 100 }],
      controller: { ...address, budgets: true },
    };
    const { vm, counted } = await countedVm("rate-limit", new HostProcess());
    check(vm.configure({ rateLimit: config }), () => vm.logs.join("\n"));
    /** Ticks until the filter reports, and gives back what it says it holds. */
    const report = (): number => {
      for (let i = 0; i < 70 && vm.callouts.length === 0; i++) {
        vm.process.now += 1_000_000_000n;
        vm.tick();
      }
      const report = JSON.parse(vm.callouts[0]?.body ?? "{}");
      const { error } = controllersReport.safeParse(report);
      check(error === undefined, () => `the controller does not take its report: ${error?.message}`);
      return report.generation as number;
    };
    /** Generations of the replies of late that were whole. */
    const sent: number[] = [];
    return {
      modules: [counted],
      morePages: 256,
      generate(random: Random) {
        const limit = (rate: string) =>
          random.pick<unknown>([
            null,
            {
              [rate]: new Raw(anyNumber(random)),
              burst: random.below(2) ? undefined : random.below(100),
              maxInFlight: random.pick([undefined, null, random.below(100)]),
            },
          ]);
        const named = (rate = "requestsPerSecond") =>
          Object.fromEntries(
            Array.from({ length: random.below(3) }, () => [
              random.pick(["1", "2", "é", "x".repeat(300)]),
              limit(rate),
            ]),
          );
        const revoked = random.below(3)
          ? undefined
          : Array.from({ length: random.below(3) }, () =>
              random.pick(["0a".repeat(32), "0A".repeat(32), "00", "zz".repeat(32)]),
            );
        const amount = () => (random.below(4) ? random.below(10_000) : new Raw(anyNumber(random)));
        const account = () => ({
          ...{ lease: random.below(4), granted: amount(), keep: amount(), endsInMs: amount() },
          ...{ limit: amount(), remaining: amount(), warned: random.below(120) },
          closed: Array.from({ length: random.below(10) }, () => random.below(4)),
        });
        const budgets = {
          accounts: Object.fromEntries(
            Array.from({ length: random.below(3) }, () => [
              random.pick(["daily", "own/é", "x".repeat(300)]),
              random.below(4) ? account() : null,
            ]),
          ),
          prices: random.below(2)
            ? undefined
            : {
                ...{
                  version: random.pick(["", "one", "v".repeat(65)]),
                  currency: random.pick(["EUR", "EU"]),
                },
                tasks: { "1": Array.from({ length: 3 + random.below(3) }, amount), "*": [1, 2, 3, 4] },
              },
        };
        const generation = random.below(6) ? 1 + random.below(2 ** 31) : new Raw(anyNumber(random));
        return latin1(
          spell(
            {
              apiVersion: random.below(20) ? V1 : "v2",
              generation,
              full: random.below(2) === 0,
              tasks: random.below(4) ? named() : undefined,
              tenants: random.below(2) ? undefined : named(),
              taskTokens: random.below(3) ? undefined : named("tokensPerSecond"),
              tenantTokens: random.below(3) ? undefined : named("tokensPerSecond"),
              revoked,
              budgets: random.below(3) ? budgets : undefined,
            },
            random,
          ),
        );
      },
      mutate: (one, two, random) =>
        latin1(
          mutateJson(one.toString("latin1"), two.toString("latin1"), random, limitWords).slice(0, 16_384),
        ),
      run(input) {
        vm.calls.length = 0;
        vm.logs.length = 0;
        counted.start(5_000_000 + 300 * input.length);
        report();
        vm.answerCallout(200, new Uint8Array(input));
        const read = parsed(input)?.value as Partial<LimitsReply> | null | undefined;
        const whole = read?.apiVersion === V1 && typeof read.full === "boolean";
        if (whole && typeof read.generation === "number") sent.push(read.generation);
        if (sent.length > 1000) sent.shift();
        const held = report();
        vm.answerCallout(0);
        // It may hold an earlier one still: each VM takes limits over with a tick of its own.
        const known = held === 0 || sent.some((each) => Math.abs(each - held) <= held / 1e14);
        check(known, () => `it holds the generation ${held}, which no reply had`);
        vm.open({ ":method": "POST", ":path": "/", taskid: "1" }, true).close();
        return undefined;
      },
    };
  },
};

const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const FIELDS = [
  "path",
  "method",
  "authority",
  "user_agent",
  "request_id",
  "trace_id",
  "model",
  "taskid",
  "version",
  "tenant",
  "credential",
  "reason",
];

const logLine: Target = {
  name: "log-line",
  about: "headers of any bytes: the line is JSON of one line, each value within its bound",
  async open(): Promise<Harness> {
    const filter = await FuzzedFilter.start("access-log", {
      accessLog: {
        fields: FIELDS.map((field) => ({ field })),
        maxValueBytes: 64,
        redactedPaths: ["/users/*/**", "/a/*"],
        redactedParameters: ["k"],
      },
    });
    return {
      modules: [filter.counted],
      generate: (random) =>
        latin1(
          [
            `:path: ${random.pick(["/v2/models/m/infer?k=secret&x=1", "/users/ann/x?q", "/a/b", "/v1/models/\xc3\xa9:predict", "/%75sers/x"])}`,
            `:authority: ${random.pick(["a.example", "a.example:8080", "[::1]:80"])}`,
            `traceparent: ${random.below(4) ? TRACEPARENT : "00-0"}`,
            `user-agent: ${utf8(anyText(random))}`,
            `x-request-id: ${utf8(anyText(random))}`,
            `taskid: ${utf8(anyText(random))}`,
          ].join("\n"),
        ),
      mutate: (one, two, random) => {
        const lines = one.toString("latin1").split("\n");
        const others = two.toString("latin1").split("\n");
        const at = random.below(lines.length);
        const kind = random.below(4);
        if (kind === 0) lines[at] = mutateBytes(mutateBytes(lines[at] ?? "", random), random);
        else if (kind === 1) lines.splice(at, random.below(2), random.pick(others));
        else if (kind === 2)
          lines[at] = (lines[at] ?? "") + '\u0001\xff"\\é'.charAt(random.below(5)).repeat(random.below(80));
        else lines[at] = mutateText(lines[at] ?? "", random);
        return latin1(lines.join("\n").slice(0, 8192));
      },
      run(input) {
        filter.begin(input.length * 4 + 1000);
        const headers: HeaderList = input
          .toString("latin1")
          .split("\n")
          .map((line) => {
            const colon = line.indexOf(":", 1);
            return colon < 0 ? [line || "x", ""] : [line.slice(0, colon), line.slice(colon + 1).trim()];
          });
        const stream = filter.vm.open(headers, true, { "modelgate.principal": "search\nbatch" });
        stream.close();
        const line = stream.filterState.get("modelgate.log") ?? "";
        check(
          Buffer.from(line, "latin1").every((byte) => byte >= 0x20),
          "the line holds a control character",
        );
        const read = parsed(latin1(`{"a":1${line}}`))?.value as Record<string, string> | undefined;
        check(read !== undefined, () => `the line is ${line}`);
        for (const [name, value] of Object.entries(read)) {
          check(FIELDS.includes(name) || name === "a" || name === "decision", () => `the line has ${name}`);
          check(JSON.stringify(value).length <= 66, () => `${name} is ${value}`);
        }
        return undefined;
      },
    };
  },
};

interface LogText {
  allocate(size: number): number;
  traceId(ptr: number, len: number): number;
  resultPtr(): number;
}

const PARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:$|-)/s;

const traceparent: Target = {
  name: "traceparent",
  about: "traceparent headers of any bytes against a regular expression of W3C Trace Context",
  async open(): Promise<Harness> {
    const { wasm, counted } = await countedModule<LogText>("log-text");
    const text = wasm.allocate(4096);
    return {
      modules: [counted],
      generate: (random) => latin1(random.below(2) ? TRACEPARENT : `cc${TRACEPARENT.slice(2)}-more`),
      mutate: (one, _two, random) =>
        latin1(
          (random.below(2)
            ? mutateText(one.toString("latin1"), random)
            : mutateBytes(one.toString("latin1"), random)
          ).slice(0, 2000),
        ),
      run(input) {
        counted.start(20_000);
        new Uint8Array(wasm.memory.buffer).set(input, text);
        const length = wasm.traceId(text, input.length);
        const found = Buffer.from(wasm.memory.buffer, wasm.resultPtr(), length).toString("latin1");
        const parts = PARENT.exec(input.toString("latin1"));
        const wanted = parts && (parts[1] !== "00" || input.length === 55) ? parts[2] : "";
        check(
          found === wanted,
          () => `the trace id is ${JSON.stringify(found)} for ${JSON.stringify(wanted)}`,
        );
        return undefined;
      },
    };
  },
};

export const others: Target[] = [routes, limitsReply, logLine, traceparent];
