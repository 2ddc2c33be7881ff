import { cp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { startController } from "../../tools/servers/controller/controller.ts";
import { FileSource } from "../../tools/servers/controller/file-source.ts";
import { type Decision, type LimitsGateway, startLimitsGateway } from "./limits-gateway.ts";
import { offer } from "./load.ts";
import { settle } from "./pace.ts";

const EXAMPLE = fileURLToPath(new URL("../../manifests/examples/search", import.meta.url));
const PER_REPLICA = 50;
/** Of the task, shared like its rate: a fifth of a second of the middle limit. */
const BURST = 40;
const TASK = "666";
/** What a change may take: two reports, and ticks of all VMs. */
export const SETTLE = 3;

export interface Phase {
  name: string;
  replicas: number;
  /** Requests a second that each gateway is offered; the second one's Envoy runs only where it is offered some. */
  offered: [first: number, second: number];
}

/** Demand is beyond the limit nearly all the time, and lies unevenly on the gateways. */
export const PHASES: Phase[] = [
  { name: "4 replicas", replicas: 4, offered: [400, 60] },
  { name: "8 replicas", replicas: 8, offered: [500, 60] },
  { name: "2 replicas", replicas: 2, offered: [400, 60] },
  { name: "demand moves", replicas: 4, offered: [60, 400] },
  { name: "a gateway goes", replicas: 4, offered: [400, 0] },
  { name: "and comes back", replicas: 4, offered: [300, 200] },
];

export interface Run {
  /** Of both gateways, in order of time, seconds since the start. */
  decisions: Decision[];
  /** When each phase began and ended, and its limit in requests a second. */
  phases: { name: string; from: number; to: number; limit: number }[];
}

/**
 * Two Envoys with two workers each, the controller (from files), and clients, through phases of so many seconds. The
 * first gateway has one connection, so that one worker gets all of it.
 */
export async function runTwoGateways(plan: Phase[], seconds: number): Promise<Run> {
  const folder = await temporaryFolder(join(tmpdir(), "modelgate-two-gateways-"));
  await cp(EXAMPLE, folder.path, { recursive: true });
  const file = join(folder.path, "tasks.yaml");
  const example = await readFile(file, "utf8");
  const write = (replicas: number) =>
    writeFile(
      file,
      example
        .replace('replicas: "2"', `replicas: "${replicas}"`)
        .replace("maxInFlightPerReplica: 8", `burst: ${BURST}`),
    );
  await write(plan[0]?.replicas ?? 1);
  const controller = await startController({
    source: new FileSource([folder.path], pino({ level: "silent" })),
  });
  const gateway = (pod: string) =>
    startLimitsGateway({
      workers: 2,
      node: pod,
      controllerPort: controller.port,
      rateLimit: { controller: { gateway: "search-ingress/search-gateway", cluster: "controller" } },
    });
  const decisions: Decision[] = [];
  const stop = async (which: LimitsGateway | undefined) => {
    if (!which) return;
    decisions.push(...(await which.decisions()));
    await which.stop();
  };
  let first: LimitsGateway | undefined;
  let second: LimitsGateway | undefined;
  try {
    first = await gateway("gateway-1");
    second = await gateway("gateway-2");
    await settle(SETTLE * 1000 + 1500);
    const start = Date.now() / 1000;
    const phases: Run["phases"] = [];
    for (const { name, replicas, offered } of plan) {
      const from = Date.now() / 1000 - start;
      await write(replicas);
      let leaving: Promise<void> | undefined;
      if (offered[1] === 0) {
        leaving = stop(second);
        second = undefined;
      } else second ??= await gateway("gateway-2");
      await Promise.all(
        [first, second].map(async (each, i) => {
          const requestsPerSecond = offered[i] as number;
          if (!each || requestsPerSecond === 0) return;
          const load = { port: each.envoy.port, headers: { taskid: TASK }, requestsPerSecond, seconds };
          await offer({ ...load, connections: i === 0 ? 1 : 6 });
        }),
      );
      await leaving;
      phases.push({ name, from, to: Date.now() / 1000 - start, limit: replicas * PER_REPLICA });
    }
    await stop(first);
    await stop(second);
    first = undefined;
    second = undefined;
    const own = decisions.map((each) => ({ ...each, at: each.at - start })).toSorted((a, b) => a.at - b.at);
    return { decisions: own, phases };
  } finally {
    await first?.stop();
    await second?.stop();
    await controller.stop();
    await folder.remove();
  }
}

/** Requests a second admitted or refused, from `from` to `to`. */
export function rates({ decisions }: Run, from: number, to: number) {
  const within = decisions.filter(({ at }) => at >= from && at < to);
  const admitted = within.filter(({ status }) => status === 200).length;
  return { admitted: admitted / (to - from), refused: (within.length - admitted) / (to - from) };
}
