import { PROTOCOL_VERSION, REPORT_PATH, type Reply } from "../../tools/servers/controller/protocol.ts";

/**
 * Stands in for the rate-limit filter of one gateway pod: reports the traffic of one task over HTTP and takes its share from
 * the reply, as the protocol wants it.
 */
export class FakeGatewayPod {
  readonly pod: string;
  readonly taskid: string;
  gateway = "search-ingress/search-gateway";
  /** Requests a second that arrive here. */
  demand: number;
  generation = 0;
  /** Share of the task's limit. */
  rate = 0;
  maxInFlight: number | undefined;
  revoked: string[] = [];
  /** What a liar adds to its reports. */
  lies: object = {};

  constructor(pod: string, demand: number, taskid = "666") {
    this.pod = pod;
    this.demand = demand;
    this.taskid = taskid;
  }

  get admitted(): number {
    return Math.min(this.demand, this.rate);
  }

  body(): string {
    const counts = {
      admitted: this.admitted,
      refused: this.demand - this.admitted,
      inFlight: 1,
      latencyMicroseconds: 5000,
    };
    return JSON.stringify({
      apiVersion: PROTOCOL_VERSION,
      gateway: this.gateway,
      pod: this.pod,
      generation: this.generation,
      intervalMilliseconds: 1000,
      connections: 1,
      tasks: this.demand > 0 ? { [this.taskid]: counts } : {},
      tenants: {},
      ...this.lies,
    });
  }

  /** Sends one report, and applies the reply when it is one. */
  async report(url: string, headers: Record<string, string> = {}): Promise<Response> {
    const response = await fetch(new URL(REPORT_PATH, url), {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: this.body(),
      redirect: "manual",
    });
    if (response.status === 200) this.apply((await response.clone().json()) as Reply);
    return response;
  }

  apply({ generation, full, tasks, revoked }: Reply): void {
    this.generation = generation;
    const share = tasks[this.taskid];
    if (share) {
      this.rate = share.requestsPerSecond;
      this.maxInFlight = share.maxInFlight;
    } else if (share === null || full) this.rate = Number.POSITIVE_INFINITY;
    if (revoked !== undefined) this.revoked = revoked;
  }
}
