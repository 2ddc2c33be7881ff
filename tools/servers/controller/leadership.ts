/** Which of several controllers answers reports. */
export interface Leadership {
  readonly isLeader: boolean;
  /** Base URL of the leader, when another one is and its address is known. */
  readonly leaderUrl: string | undefined;
  /** Takes part in the election. @param onElected is called each time that this controller becomes the leader */
  start(onElected: () => void): void;
  /** Gives up the leadership, so that another one can have it at once. */
  stop(): Promise<void>;
}

/** The only controller there is. */
export const soleLeader: Leadership = {
  isLeader: true,
  leaderUrl: undefined,
  start: () => {},
  stop: async () => {},
};
