/** Something that happened beside the traffic. Empty texts = not known, or for all. */
export interface TimelineEvent {
  /** RFC 3339 */
  time: string;
  type: "rollout" | "kubernetes" | "limit" | "alert" | "other";
  /** One word, such as RolloutStarted. */
  reason: string;
  message: string;
  tenant: string;
  taskid: string;
  version: string;
  gateway: string;
  /** Who says so, or of what. */
  source: string;
}
