import { decodeBatch } from "../../../tools/lib/access-log/decode-batch.ts";
import type { HeaderList } from "../../../tools/lib/host/header-pairs.ts";
import { HostProcess } from "../../../tools/lib/host/process.ts";
import { ModelInferRequest } from "../../support/conversion.ts";
import { mutate as mutateText, type Random } from "../../support/mutate.ts";
import { chunkSizes, FuzzedFilter } from "../filter.ts";
import { anyText, anyValue, mutateBytes, mutateJson, parsed, spell } from "../generate/json.ts";
import { countedModule, countedVm } from "../module.ts";
import { check, type Harness, type Target } from "../target.ts";

/** What else of a stream others write: trailers of models, raw tensors, lines on their way, keys of limits. */

const latin1 = (text: string) => Buffer.from(text, "latin1");
const utf8 = (text: string) => Buffer.from(text).toString("latin1");
const SECOND = 1_000_000_000n;

function mutateLines(one: Buffer, two: Buffer, random: Random): Buffer {
  const lines = one.toString("latin1").split("\n");
  const others = two.toString("latin1").split("\n");
  const at = random.below(lines.length);
  if (random.below(3) === 0) lines[at] = random.pick(others);
  else
    lines[at] = random.below(2) ? mutateText(lines[at] ?? "", random) : mutateBytes(lines[at] ?? "", random);
  return latin1(lines.join("\n").slice(0, 8192));
}

const STATUS = ["grpc-status", "grpc-message", "grpc-status-details-bin", "content-type", "grpc-encoding"];

const metadata: Target = {
  name: "grpc-metadata",
  about:
    "headers and trailers of a model server: the caller gets an answer of JSON, whose status is an error's",
  async open(): Promise<Harness> {
    const filter = await FuzzedFilter.start("protocol-conversion", {
      protocolConversion: { tasks: [{ taskid: "1" }] },
    });
    return {
      modules: [filter.counted],
      generate: (random) =>
        latin1(
          [
            random.pick(["headers", "trailers"]),
            random.pick(["0", "3", "5", "14", "16", "17", "-1", "99999999999", "", "1x"]),
            random.pick(["model%20not%20found", "%", "%C3%A9", utf8(anyText(random)), "", "a".repeat(3000)]),
            random.pick(["", "CAUSBG5vcGU", "%%%"]),
            random.pick(["application/grpc", "application/grpc+proto", "text/html", ""]),
            random.pick(["", "gzip"]),
          ].join("\n"),
        ),
      mutate: mutateLines,
      run(input) {
        filter.begin(input.length * 8 + 4000);
        const [where = "", ...values] = input.toString("latin1").split("\n");
        const given = STATUS.map((name, i): [string, string] => [name, values[i] ?? ""]).filter(
          ([, value]) => value !== "",
        );
        const stream = filter.vm.open([
          [":method", "POST"],
          [":path", "/v2/models/m/infer"],
          ["taskid", "1"],
        ]);
        stream.sendRequestBody(latin1('{"inputs":[]}'));
        const inTrailers = where === "trailers";
        const type: HeaderList = [["content-type", "application/grpc"]];
        stream.respond([[":status", "200"], ...(inTrailers ? type : given)], Buffer.alloc(0), 1, false);
        if (!stream.reply) stream.endResponse(given);
        stream.close();
        const { reply } = stream;
        check(reply !== undefined, "a reply without a message is no answer");
        check(reply.status >= 400 && reply.status < 600, () => `it answers ${reply.status}`);
        const said = parsed(latin1(reply.body))?.value as { error?: unknown } | undefined;
        check(typeof said?.error === "string", () => `it answers ${reply.body}`);
        return undefined;
      },
    };
  },
};

const SIZES: Record<string, number> = {
  BOOL: 1,
  ...{ UINT8: 1, UINT16: 2, UINT32: 4, UINT64: 8, INT8: 1, INT16: 2, INT32: 4, INT64: 8 },
  ...{ FP16: 2, BF16: 2, FP32: 4, FP64: 8 },
};

const rawTensor: Target = {
  name: "raw-tensor",
  about:
    "a body of octets with its shape in headers: it goes on byte for byte where shape and length agree, and nowhere else",
  async open(): Promise<Harness> {
    const filter = await FuzzedFilter.start("protocol-conversion", {
      protocolConversion: { tasks: [{ taskid: "1", maxRequestBytes: 65_536 }] },
    });
    return {
      modules: [filter.counted],
      generate(random) {
        const datatype = random.pick([...Object.keys(SIZES), "BYTES", "FP99"]);
        const shape = Array.from({ length: random.below(4) }, () => random.pick([1, 2, 3, 0, -1]));
        const count = shape.reduce((product, size) => product * Math.abs(size), 1);
        const bytes = count * (SIZES[datatype] ?? 1) + (random.below(5) ? 0 : random.below(9));
        return latin1(["x", datatype, shape.join(","), "\xff".repeat(bytes)].join("\n"));
      },
      mutate: mutateLines,
      run(input) {
        const [tensor = "", datatype = "", shape = "", ...rest] = input.toString("latin1").split("\n");
        const body = latin1(rest.join("\n"));
        const outcomes = chunkSizes(input).map((size) => {
          filter.begin(input.length * 4 + 4000);
          const stream = filter.vm.open([
            [":method", "POST"],
            [":path", "/v2/models/m/infer"],
            ["taskid", "1"],
            ["content-type", "application/octet-stream"],
            ["content-length", String(body.length)],
            ["x-tensor-name", tensor],
            ["x-tensor-datatype", datatype],
            ["x-tensor-shape", shape],
          ]);
          const passed = stream.reply ? Buffer.alloc(0) : Buffer.from(stream.sendRequestBody(body, size));
          stream.close();
          return stream.reply ? stream.reply.body : passed;
        });
        const [whole, pieces] = outcomes as [string | Buffer, string | Buffer];
        check(whole.toString("latin1") === pieces.toString("latin1"), "chunks make a difference");
        if (typeof whole === "string") {
          check(parsed(latin1(whole)) !== undefined, () => `it answers ${whole}`);
          return undefined;
        }
        const sent = ModelInferRequest.toObject(ModelInferRequest.decode(whole.subarray(5)), {
          longs: Number,
        });
        const [raw] = sent.rawInputContents as Buffer[];
        const [first] = sent.inputs as { shape?: number[]; datatype: string }[];
        const count = (first?.shape ?? []).reduce((product, size) => product * size, 1);
        const size = SIZES[first?.datatype ?? ""];
        check(
          size === undefined || count * size === body.length,
          () => `${count} elements of ${body.length} bytes`,
        );
        check(first?.datatype === datatype, () => `the type is ${first?.datatype}`);
        if (size !== undefined) check(body.equals(raw ?? Buffer.alloc(0)), "the bytes are others");
        return undefined;
      },
    };
  },
};

const logBatch: Target = {
  name: "log-batch",
  about:
    "lines on their way to the collector: as many as there were requests, each JSON, or a message that decodes",
  async open(): Promise<Harness> {
    const made = await Promise.all(
      ["json", "protobuf"].map(async (format) => {
        const { vm, counted } = await countedVm("access-log", new HostProcess());
        vm.encoding = "latin1";
        const collector = { cluster: "collector", ...(format === "protobuf" && { format }) };
        check(vm.configure({ accessLog: { collector, maxValueBytes: 64 } }), () => vm.logs.join("\n"));
        return { vm, counted, format };
      }),
    );
    return {
      modules: made.map(({ counted }) => counted),
      morePages: 256,
      generate: (random) =>
        latin1(
          Array.from({ length: 1 + random.below(4) }, () =>
            random.pick(["/v2/models/m/infer", "/a?b=c", utf8(anyText(random)), '"\\\u0001', "\xff\xfe"]),
          ).join("\n"),
        ),
      mutate: mutateLines,
      run(input) {
        const paths = input.toString("latin1").split("\n");
        for (const { vm, counted, format } of made) {
          counted.start(500_000 + 2000 * input.length);
          vm.logs.length = 0;
          vm.calls.length = 0;
          for (const path of paths) {
            const stream = vm.open(
              [
                [":path", path],
                [":method", "POST"],
                ["user-agent", path],
              ],
              true,
            );
            stream.properties.set("response\0code", 200n);
            stream.close();
          }
          for (let second = 0; second < 3 && vm.callouts.length === 0; second++) {
            vm.process.now += SECOND;
            vm.tick();
          }
          const body = Buffer.from(vm.callouts[0]?.bodyBytes ?? []);
          vm.answerCallout(200);
          const count =
            format === "json"
              ? body
                  .toString("latin1")
                  .trimEnd()
                  .split("\n")
                  .map((line) => parsed(latin1(line)))
                  .filter(Boolean).length
              : [...decodeBatch(body)].length;
          check(count === paths.length, () => `${format}: ${count} lines of ${paths.length}`);
        }
        return undefined;
      },
    };
  },
};

const limitKey: Target = {
  name: "limit-key",
  about: "values of a header that is limited: the same one is one key, another is another",
  async open(): Promise<Harness> {
    const { vm, counted } = await countedVm("rate-limit", new HostProcess());
    vm.encoding = "latin1";
    // Two sets of four places: new keys take those of others.
    const limit = { requestsPerSecond: 0.001, burst: 1, maxKeys: 8 };
    const descriptors = [
      { name: "user", header: "x-user", ...limit },
      { name: "item", path: "/items/{item}/x", ...limit },
    ];
    check(vm.configure({ rateLimit: { descriptors } }), () => vm.logs.join("\n"));
    const passes = (headers: HeaderList) => {
      const stream = vm.open([[":method", "GET"], ...headers], true);
      stream.close();
      return stream.reply === undefined;
    };
    return {
      modules: [counted],
      morePages: 256,
      generate: (random) =>
        latin1(
          [utf8(anyText(random)), utf8(anyText(random)), anyText(random).replaceAll(/[/?\n]/g, "")].join(
            "\n",
          ),
        ),
      mutate: mutateLines,
      run(input) {
        const [one = "", two = "", item = ""] = input.toString("latin1").split("\n");
        counted.start(2_000_000 + 300 * input.length);
        vm.process.now += 10_000n * SECOND;
        vm.tick();
        const by = (user: string): HeaderList => [
          [":path", "/"],
          ["x-user", user],
        ];
        check(passes(by(one)), "a key that is new is refused");
        check(!passes(by(one)), "a key has more than its limit");
        if (two !== one) check(passes(by(two)), "another key is refused for the first");
        if (item !== "" && !/[/?#]/.test(item)) {
          const at = (path: string): HeaderList => [[":path", path]];
          check(passes(at(`/items/${item}/x`)), "an item that is new is refused");
          check(!passes(at(`/items/${item}/x?q=1`)), "an item has more than its limit");
        }
        return undefined;
      },
    };
  },
};

interface Converter {
  allocate(size: number): number;
  readAll(ptr: number, len: number): number;
}

const NOT_JSON = -1;

const converterJson: Target = {
  name: "converter-json",
  about: "bodies that converters read: JSON just where JSON.parse says so, and no question to it traps",
  async open(): Promise<Harness> {
    const { wasm, counted } = await countedModule<Converter>("fuzz-converter");
    const area = wasm.allocate(65_536);
    return {
      modules: [counted],
      morePages: 1024,
      generate: (random) =>
        latin1(
          spell(
            random.below(3)
              ? {
                  rows: random.below(2)
                    ? Array.from({ length: random.below(4) }, () => [1, 2.5, random.below(9)])
                    : anyValue(random),
                  more: random.below(2) ? undefined : anyValue(random),
                }
              : anyValue(random),
            random,
          ),
        ),
      mutate: (one, two, random) =>
        latin1(
          mutateJson(one.toString("latin1"), two.toString("latin1"), random, ['"rows"', '"more"']).slice(
            0,
            16_384,
          ),
        ),
      run(input) {
        counted.start(2_000_000 + 3000 * input.length);
        new Uint8Array(wasm.memory.buffer).set(input, area);
        const said = wasm.readAll(area, input.length);
        if (said !== NOT_JSON) check(parsed(input) !== undefined, "it takes what is no JSON");
        return undefined;
      },
    };
  },
};

export const streams: Target[] = [metadata, rawTensor, logBatch, limitKey, converterJson];
