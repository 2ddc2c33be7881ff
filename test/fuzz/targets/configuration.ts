import type { ModuleName } from "../../../tools/lib/wasm/modules.ts";
import { authConfig, jwk, rsa } from "../../support/auth.ts";
import { mutateJson, parsed, spell } from "../generate/json.ts";
import { countedVm } from "../module.ts";
import { check, type Harness, type Target } from "../target.ts";

/** Plug-in configurations: taken or refused with a reason, never a trap, and what is no JSON is never taken. */

const latin1 = (text: string) => Buffer.from(text, "latin1");
const STEPS = 20_000_000;

interface Configuration {
  module: ModuleName;
  /** Configurations that are taken. */
  samples: object[];
}

function words(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(words);
  if (typeof value !== "object" || value === null) return [JSON.stringify(value)];
  return Object.entries(value).flatMap(([key, each]) => [JSON.stringify(key), ...words(each)]);
}

function configuration({ module, samples }: Configuration): Target {
  const known = [...new Set(words(samples))];
  return {
    name: `config-${module}`,
    about: `configurations of ${module}: refused with a reason or taken, and then it serves`,
    async open(): Promise<Harness> {
      const { vm, counted } = await countedVm(module);
      vm.encoding = "latin1";
      // A configuration comes to a root context of its own.
      const renew = () => {
        vm.exports.proxy_on_delete(1);
        vm.exports.proxy_on_context_create(1, 0);
      };
      for (const sample of samples) {
        renew();
        check(vm.configure(sample), () => vm.logs.join("\n"));
      }
      return {
        modules: [counted],
        // Tables and queues of the sizes that a configuration asks for, of the last one and of the one before; memory grows by doubling.
        morePages: 4096,
        generate: (random) => latin1(spell(random.pick(samples), random)),
        mutate: (one, two, random) =>
          latin1(mutateJson(one.toString("latin1"), two.toString("latin1"), random, known).slice(0, 32_768)),
        run(input) {
          vm.calls.length = 0;
          vm.logs.length = 0;
          vm.process.sharedData.clear();
          counted.start(STEPS);
          renew();
          // As bytes: a configuration need not be UTF-8.
          const taken = vm.configureBytes(new Uint8Array(input));
          if (!taken) {
            check((vm.logs.at(-1) ?? "").includes("refused: "), "it refuses without a word");
            return undefined;
          }
          check(parsed(input) !== undefined, "it takes what is no JSON");
          vm.tick();
          vm.callouts.length = 0;
          const stream = vm.open([
            [":method", "POST"],
            [":path", "/v2/models/m/infer"],
            ["taskid", "1"],
          ]);
          if (!stream.reply) stream.sendRequestBody(latin1('{"inputs":[]}'));
          stream.close();
          return undefined;
        },
      };
    },
  };
}

const key = jwk(rsa.publicKey, "rsa");
const rateLimit = {
  tasks: [
    {
      taskid: "1",
      requestsPerSecond: 100,
      burst: 200,
      maxInFlight: 50,
      adaptiveConcurrency: { min: 1, max: 10, initial: 5 },
    },
    { taskid: "2", requestsPerMinute: 10, mode: "dryRun" },
  ],
  tenants: [{ tenant: "search", requestsPerSecond: 1000 }],
  controller: { gateway: "search/ingress", cluster: "controller", pod: "gw-1", token: "s3cret" },
  credentials: [{ credential: "search/a", requestsPerSecond: 5 }],
  descriptors: [
    { name: "k", header: "x-user", requestsPerSecond: 5, maxKeys: 100 },
    { name: "p", path: "/v2/models/{model}/infer", requestsPerMinute: 5 },
  ],
};

export const configurations: Target[] = [
  {
    module: "tenant-auth",
    samples: [
      { tenantAuth: authConfig },
      {
        tenantAuth: {
          mode: "dryRun",
          issuers: [
            {
              issuer: "i",
              audiences: ["a"],
              jwks: { keys: [key] },
              algorithms: ["RS256", "PS256"],
              tenantClaim: "t",
              tasksClaim: "s",
              leewaySeconds: 5,
            },
          ],
          tenants: [
            { tenant: "t", credentials: [{ id: "x", token: { issuer: "i" } }], tasks: [{ task: "*" }] },
          ],
        },
      },
      {
        tenantAuth: {
          issuers: [
            {
              issuer: "i",
              audiences: ["a"],
              remoteJwks: { cluster: "c", authority: "i.example", path: "/keys", refreshSeconds: 60 },
            },
          ],
        },
      },
    ],
  },
  {
    module: "rate-limit",
    samples: [
      { rateLimit },
      { rateLimit: {} },
      { rateLimit: { tasks: [{ taskid: "1", requestsPerHour: 5, burstPerHour: 2 }] } },
    ],
  },
  {
    module: "protocol-conversion",
    samples: [
      {
        protocolConversion: {
          maxRequestBytes: 1000,
          maxResponseBytes: 1000,
          tasks: [
            {
              taskid: "1",
              signatures: [{ name: "s", inputs: [{ name: "x", dtype: "DT_FLOAT" }] }],
              nonFinite: "token",
            },
            { taskid: "2", raw: { name: "x", datatype: "FP32", shape: [-1, 2] }, binaryHeaderBytes: 512 },
          ],
        },
      },
      { protocolConversion: {} },
    ],
  },
  {
    module: "access-log",
    samples: [
      { accessLog: {} },
      {
        accessLog: {
          fields: [{ field: "path", as: "p" }, { field: "start_time" }, { field: "phases" }],
          gateway: "a/b",
          maxValueBytes: 64,
          redactedPaths: ["/users/*/**"],
          redactedHeaders: ["user-agent"],
          redactedParameters: ["k"],
        },
      },
      { accessLog: { collector: { cluster: "c", format: "protobuf", sample: { ratio: 0.5 } } } },
    ],
  },
].map((each) => configuration(each as Configuration));
