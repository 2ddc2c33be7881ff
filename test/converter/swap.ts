/**
 * Swaps a converter and rolls it back under 2,000 requests a second, in the real Envoy with configuration from a file
 * (ECDS), as Istio's agent hands it over: `npm run test:swap [seconds]`. The model is one message over and over, so that
 * the load is the gateway's; h2load (Debian: nghttp2-client) offers it.
 */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { frame, ModelInferResponse } from "../support/conversion.ts";
import { probeModule, startConverters } from "../support/converter.ts";
import { pace } from "../support/pace.ts";

const REQUESTS_PER_SECOND = 2000;
const CONNECTIONS = 8;
const SWAP_EVERY_MS = 1000;
const seconds = Number(process.argv[2] ?? 20);

const contents = { bytesContents: [Buffer.from("other")] };
const outputs = [{ name: "said", datatype: "BYTES", shape: [1], contents }];
const reply = frame(ModelInferResponse.encode(ModelInferResponse.fromObject({ outputs })).finish());
const model = createServer().on("stream", (stream) => {
  stream.resume();
  stream.on("end", () => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(reply);
  });
});
model.listen(0, "127.0.0.1");
await once(model, "listening");

const modules: [string, string] = [await probeModule("probe"), await probeModule("other")];
const { port } = model.address() as AddressInfo;
const gateway = await startConverters({ swapped: modules[0] }, 2, port);
const folder = await mkdtemp(join(tmpdir(), "modelgate-swap-"));
const body = join(folder, "body.json");
await writeFile(body, JSON.stringify({ do: "infer", floats: [1.5, -0.1], texts: ["a"], integers: [1] }));
let running = true;
let swaps = 0;
const swapping = (async () => {
  while (running) {
    await pace(SWAP_EVERY_MS);
    await gateway.swap("swapped", modules[++swaps % 2] as string);
  }
})();
try {
  const wanted = REQUESTS_PER_SECOND * seconds;
  const { stdout } = await promisify(execFile)("h2load", [
    ...["-n", String(wanted), "-c", String(CONNECTIONS), "-m", "50", "-t", "1"],
    ...[`--rps=${REQUESTS_PER_SECOND / CONNECTIONS}`, "-H", "taskid: swapped", "-d", body],
    `http://127.0.0.1:${gateway.envoy.port}/`,
  ]);
  const ok = Number(/status codes: (\d+) 2xx/.exec(stdout)?.[1]);
  const rate = /finished in \S+, ([\d.]+) req\/s/.exec(stdout)?.[1];
  const times = /time for request:\s+(.*)/.exec(stdout)?.[1];
  console.log(
    `${ok} of ${wanted} answered, ${rate} a second, ${swaps} swaps; times (min max mean sd): ${times}`,
  );
  if (ok !== wanted) {
    console.log(stdout, gateway.envoy.log.join("\n"));
    process.exitCode = 1;
  }
} finally {
  running = false;
  await swapping;
  await gateway.stop();
  model.close();
  await rm(folder, { recursive: true, force: true });
}
process.exit();
