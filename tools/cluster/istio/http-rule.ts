/** A rule of a VirtualService's `http`: what Modelgate uses of Istio's HTTPRoute. */
export interface HttpRule {
  name: string;
  match: [HeaderRules];
  route: WeightedDestination[];
  /** Without it a request may take as long as it likes. */
  timeout?: string;
  /** Headers that the request loses. */
  headers?: { request: { remove: string[] } };
  /** Without them Istio's own default counts. */
  retries?: RetryRule;
  mirrors?: { destination: Destination; percentage: Percentage }[];
  fault?: FaultRule;
}

/** A request matches when all these headers do, and none of the others. */
export interface HeaderRules {
  headers: Record<string, StringRule>;
  withoutHeaders?: Record<string, StringRule>;
}

/** How a header's value is compared; nothing: that it is there. */
export interface StringRule {
  exact?: string;
  prefix?: string;
  /** RE2, of the whole value. */
  regex?: string;
}

export interface Destination {
  host: string;
  port: { number: number };
  subset?: string;
}

export interface WeightedDestination {
  destination: Destination;
  weight?: number;
}

export interface RetryRule {
  attempts: number;
  retryOn?: string;
  perTryTimeout?: string;
}

export interface FaultRule {
  delay?: { fixedDelay: string; percentage: Percentage };
  abort?: { httpStatus: number; percentage: Percentage };
}

/** In percent. */
interface Percentage {
  value: number;
}
