import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { AUTHORITY, AUTHORIZATION, CONTENT_TYPE, METHOD, PATH } from "../../sdk/bytes/header-names";
import { CalloutHandler, callout, forgetCallout } from "../../sdk/host/callout";
import { Election } from "../../sdk/host/election";
import { HeaderPairs } from "../../sdk/host/headers";
import { HttpStatus } from "../../sdk/host/http-status";
import { Counter } from "../../sdk/host/metrics";
import { podName } from "../../sdk/host/pod-name";
import { readBearer } from "../../sdk/pipeline/bearer-token";
import { Config } from "../../sdk/pipeline/config";
import { BudgetExchange } from "../budget/budget-exchange";
import { LimitTables } from "../limit-tables";
import { now } from "../now";
import { VmRegistry } from "../vm-registry";
import { LimitsReply } from "./limits-reply";
import { LimitsStore } from "./limits-store";
import { writeReport } from "./report";
import { ReportBoard } from "./report-board";
import { publishRevoked } from "./revocations";

const NANOS_PER_MILLISECOND: u64 = 1_000_000;
const LARGEST_REPLY: i32 = 8 * 1024 * 1024;
/** Memory of an unusually large report is given back. */
const LARGEST_KEPT: i32 = 1024 * 1024;

/**
 * Speaks the limits protocol with the controller: once a second one VM of the process reports what all of
 * them counted, and takes the limits back. All of it happens on ticks: no request ever waits for it. Without
 * an answer, or with one that cannot be right, the last limits hold.
 */
export class ControllerClient extends CalloutHandler {
  readonly store: LimitsStore;
  readonly board: ReportBoard;
  /** Null where the tenant has no budgets. */
  private readonly budgets: BudgetExchange | null;
  private readonly election: Election;
  private readonly gateway: Bytes;
  private readonly pod: Bytes;
  private readonly cluster: Bytes;
  private readonly timeoutMs: u32;
  private readonly headers: HeaderPairs = new HeaderPairs();
  private readonly body: ByteBuffer = new ByteBuffer();
  private readonly reply: LimitsReply = new LimitsReply();
  private pending: bool = false;
  private reported: u64 = 0;
  private lastReport: u64 = 0;

  private readonly reports: Counter = new Counter("modelgate.controller_reports");
  private readonly failures: Counter = new Counter("modelgate.controller_failures");
  private readonly ignored: Counter = new Counter("modelgate.controller_replies_ignored");

  /** Reads the field `controller` of the configuration. */
  constructor(
    config: Config,
    private readonly registry: VmRegistry,
  ) {
    super();
    const gateway = config.text("gateway");
    this.gateway = bytes(gateway);
    this.cluster = bytes(config.text("cluster"));
    this.pod = podName(config.has("pod") ? config.text("pod") : "");
    this.timeoutMs = <u32>config.number("timeoutMilliseconds", 900, 10);
    this.store = new LimitsStore(gateway);
    this.board = new ReportBoard(gateway);
    this.budgets = config.flag("budgets", false) ? new BudgetExchange(gateway) : null;
    this.election = new Election(`modelgate.controller.${gateway}`, registry.id);
    this.headers.addText(METHOD, "POST");
    this.headers.addText(PATH, config.has("path") ? config.text("path") : "/v1/report");
    this.headers.addText(
      AUTHORITY,
      config.has("authority") ? config.text("authority") : "modelgate-controller",
    );
    this.headers.addText(CONTENT_TYPE, "application/json");
    const bearer = readBearer(config, config.text("cluster"));
    if (bearer.length > 0) this.headers.addText(AUTHORIZATION, bearer);
    config.finish();
  }

  /** Once a second: counts go to the board, and on to the controller if this VM is the elected one. */
  onTick(now: u64, tables: LimitTables): void {
    const budgets = this.budgets;
    if (budgets != null) budgets.prices.refresh();
    const place = this.registry.place;
    if (place >= 0) this.board.publish(place, tables);
    if (!this.election.run(now) || this.pending) return;
    this.board.collect(this.registry.size, tables);
    const interval = this.lastReport == 0 ? 1000 : (now - this.lastReport) / NANOS_PER_MILLISECOND;
    this.lastReport = now;
    this.reported = this.store.load();
    const body = this.body;
    writeReport(body, this.gateway, this.pod, this.reported, interval, tables, this.budgets, now);
    this.pending = callout(
      this.cluster.ptr,
      this.cluster.len,
      this.headers,
      body.ptr,
      body.len,
      this.timeoutMs,
      this,
    );
    if (this.pending) this.reports.add(1);
    else this.failures.add(1);
    if (body.allocated > LARGEST_KEPT) body.free();
  }

  /** The plug-in ends: the host drops its callout, and nobody collects the memory of buffers. */
  stop(): void {
    if (this.pending) forgetCallout(this);
    this.body.free();
    this.reply.free();
    const budgets = this.budgets;
    if (budgets != null) budgets.free();
    this.headers.free();
  }

  onReply(status: i32, body: usize, len: i32): void {
    this.pending = false;
    if (status != HttpStatus.OK) {
      this.failures.add(1);
      return;
    }
    const reply = this.reply;
    if (len > LARGEST_REPLY || !reply.parse(body, len)) {
      this.ignored.add(1);
      return;
    }
    const budgets = this.budgets;
    if (budgets != null) budgets.apply(reply.budgets, now());
    if (!this.store.store(reply, this.reported)) {
      this.ignored.add(1);
      return;
    }
    if (reply.hasRevoked) publishRevoked(reply.generation, reply.revoked);
  }
}
