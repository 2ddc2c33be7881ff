import { pace } from "../support/pace.ts";
import { answers, answersAfter, answersHalf, resets } from "./model.ts";
import { type Stack, type StackOptions, TIMEOUT } from "./stack.ts";
import { allStored } from "./stored.ts";
import { tokenIs } from "./token.ts";

export interface Scenario {
  name: string;
  options?: StackOptions;
  /** Brings the fault about. */
  begin(stack: Stack): Promise<void> | void;
  /** Takes it away, after FAULT_SECONDS. */
  end(stack: Stack): Promise<void> | void;
  /** What callers may see meanwhile, beside 200. */
  statuses: number[];
  /** Only requests that are under way at that moment can fail, so there may be none. */
  rare?: true;
  /** What became of what was acknowledged, once the calls are over. @throws Error when some of it is lost */
  kept?(stack: Stack, calls: number): Promise<string>;
  /** Longest time until every request is answered again once the fault is over, in milliseconds. */
  recoversWithin: number;
}

/** Envoy ends an HTTP/1.1 connection whose response broke off by this many milliseconds later (`delayed_close_timeout`). */
const CLOSE = 1000;

const behaves = (behaviour: Stack["model"]["behaviour"]) => (stack: Stack) => {
  stack.model.behaviour = behaviour;
};

/** What goes wrong in production, as far as one machine can show it. */
export const SCENARIOS: Scenario[] = [
  {
    name: "model server killed, started again",
    begin: ({ model }) => model.kill(),
    end: ({ model }) => model.start(),
    statuses: [503],
    recoversWithin: 1500,
  },
  {
    name: `model server slower than the timeout of ${TIMEOUT} s`,
    begin: behaves(answersAfter(TIMEOUT * 3000)),
    end: behaves(answers),
    statuses: [504],
    recoversWithin: 1500,
  },
  {
    name: "model server sends half a reply",
    begin: behaves(answersHalf),
    end: behaves(answers),
    statuses: [0],
    recoversWithin: CLOSE + 500,
  },
  {
    name: "model server resets streams in the middle of a reply",
    begin: behaves(resets),
    end: behaves(answers),
    statuses: [0],
    recoversWithin: CLOSE + 500,
  },
  {
    name: "controller killed",
    begin: ({ controller }) => controller.stop(),
    end: () => {},
    statuses: [],
    recoversWithin: 0,
  },
  {
    name: "controller says nothing",
    begin: ({ controller }) => {
      controller.answer = () => undefined;
    },
    end: () => {},
    statuses: [],
    recoversWithin: 0,
  },
  {
    name: "disk of the access log full",
    options: { accessLog: "/dev/full" },
    begin: () => {},
    end: () => {},
    statuses: [],
    recoversWithin: 0,
  },
  {
    name: "the VM traps on somebody's request",
    begin: async ({ envoy }) => {
      const { status } = await fetch(`http://127.0.0.1:${envoy.port}/`, { headers: { "x-trap": "1" } });
      if (status !== 503) throw new Error(`the VM did not trap: ${status}`);
    },
    end: () => {},
    statuses: [503],
    rare: true,
    recoversWithin: 0,
  },
  {
    name: "Envoy killed, started again",
    begin: async (stack) => {
      process.kill(stack.envoy.pid as number, "SIGKILL");
      await stack.envoy.stop();
      await stack.startEnvoy();
    },
    end: () => {},
    statuses: [0],
    recoversWithin: 0,
  },
  {
    name: "Envoy gets no CPU for 0.5 s, again and again",
    begin: async ({ envoy }) => {
      for (let i = 0; i < 3; i++) {
        process.kill(envoy.pid as number, "SIGSTOP");
        await pace(500);
        process.kill(envoy.pid as number, "SIGCONT");
        await pace(200);
      }
    },
    end: () => {},
    statuses: [],
    recoversWithin: 0,
  },
  ...(["follows the file", "gets batches"] as const).map((collector) => ({
    name: `collector that ${collector} killed, started again`,
    options: { collector },
    begin: async (stack: Stack) => stack.collector?.end("SIGKILL"),
    end: (stack: Stack) => stack.startCollector(),
    statuses: [],
    kept: allStored,
    recoversWithin: 0,
  })),
  ...[3600, -3600].map((seconds) => ({
    name: `wall clock steps an hour ${seconds > 0 ? "forwards" : "backwards"}, and back`,
    options: { clock: true },
    begin: async (stack: Stack) => {
      await tokenIs(stack, undefined);
      await stack.clock?.step(seconds);
      await tokenIs(stack, seconds > 0 ? "token_expired" : "token_not_yet_valid");
    },
    end: async (stack: Stack) => {
      await stack.clock?.step(0);
      await tokenIs(stack, undefined);
    },
    statuses: [],
    kept: async () => "tokens go by the wall clock, limits do not",
    recoversWithin: 0,
  })),
];
