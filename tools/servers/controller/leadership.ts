import type { Registry } from "prom-client";

/** Which of several controllers answers reports. */
export interface Leadership {
  readonly isLeader: boolean;
  /** Base URL of the leader, when another one is and its address is known. */
  readonly leaderUrl: string | undefined;
  /**
   * Takes part in the election.
   * @param onElected is called each time that this controller becomes the leader
   */
  start(onElected: () => void): void;
  /** Gives up the leadership, so that another one can have it at once. */
  stop(): Promise<void>;
}

/** What acts on the cluster while its controller leads. */
export interface Reconciler {
  /** Begins to watch; resolves when everything has been listed. @param registry takes its metrics */
  start(leadership: Leadership, registry: Registry): Promise<void>;
  /** To be called when the controller becomes the leader: those before may have left anything undone. */
  elected(): void;
  stop(): Promise<void>;
}

/** The only controller there is. */
export const soleLeader: Leadership = {
  isLeader: true,
  leaderUrl: undefined,
  start: () => {},
  stop: async () => {},
};
