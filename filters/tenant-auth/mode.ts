/** What becomes of a decision. */
export enum Mode {
  /** A refused request goes no further. */
  Enforce,
  /** A refused request is logged and let through. */
  DryRun,
  /** Nothing is checked. */
  Off,
}

/** As the configuration writes them, in the order of the enumeration. */
export const MODE_NAMES: string[] = ["enforce", "dryRun", "off"];
