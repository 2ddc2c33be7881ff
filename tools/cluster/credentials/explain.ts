import type { X509Certificate } from "node:crypto";
import type { HeaderList } from "../../lib/host/header-pairs.ts";
import { HostProcess } from "../../lib/host/process.ts";
import { CONTINUE } from "../../lib/host/stream.ts";
import { Vm } from "../../lib/host/vm.ts";
import type { CredentialConfig, GrantConfig, TenantAuthConfig } from "../istio/tenant-auth-config.ts";
import { certificateAttributes, presentedIn } from "./presented.ts";
import { REASONS, STEPS, type Step } from "./reasons.ts";

interface RequestToExplain {
  method: string;
  path: string;
  host: string;
  /** Lower-case names. */
  headers: HeaderList;
  body?: Uint8Array;
  certificate?: X509Certificate;
  /** Milliseconds since 1970. */
  at: number;
}

export interface Explanation {
  allowed: boolean;
  /** enforce; dryRun: it would be refused; off: nothing was checked. */
  mode: "enforce" | "dryRun" | "off";
  /** HTTP status, where it is refused. */
  status?: number;
  reason?: string;
  meaning?: string;
  advice?: string;
  steps: { step: Step; result: "ok" | "refused" | "not checked"; detail: string }[];
}

/**
 * Runs a request through the real filter, tenant-auth.wasm, and tells what it decided and where.
 * @param modulePath of tenant-auth.wasm
 * @throws Error with the filter's words when it does not take the configuration
 */
export function explain(
  modulePath: string,
  config: TenantAuthConfig,
  request: RequestToExplain,
): Explanation {
  const host = new HostProcess();
  host.wall = BigInt(request.at) * 1_000_000n;
  const vm = new Vm(modulePath, host);
  if (!vm.configure({ tenantAuth: config }))
    throw new Error(`the filter does not take the configuration: ${vm.logs.at(-1)?.replace(/^\d+ /, "")}`);
  const { method, path, headers, body, certificate } = request;
  const all: HeaderList = [[":method", method], [":path", path], [":authority", request.host], ...headers];
  const stream = vm.open(all, body === undefined, certificate ? certificateAttributes(certificate) : {});
  if (body !== undefined && stream.action === CONTINUE) stream.sendRequestBody(body);
  const would = stream.filterState.get("modelgate.would_refuse");
  const reason = stream.reply?.details ?? would;
  const authenticated = stream.filterState.get("modelgate.principal");
  const mode = would !== undefined ? "dryRun" : reason || authenticated ? "enforce" : "off";
  const known = reason === undefined ? undefined : REASONS.get(reason);
  return {
    allowed: stream.reply === undefined,
    mode,
    ...(stream.reply && { status: stream.reply.status }),
    ...(reason !== undefined && { reason }),
    ...(known && { meaning: known.meaning, advice: known.advice }),
    steps: mode === "off" ? [] : steps(config, request, known?.step),
  };
}

function steps(
  config: TenantAuthConfig,
  request: RequestToExplain,
  failed: Step | undefined,
): Explanation["steps"] {
  const details = detailsOf(config, request);
  const at = failed === undefined ? STEPS.length : STEPS.indexOf(failed);
  return STEPS.map((step, index) => ({
    step,
    result: index < at ? "ok" : index === at ? "refused" : "not checked",
    detail: index <= at ? details[step] : "",
  }));
}

function detailsOf(config: TenantAuthConfig, request: RequestToExplain): Record<Step, string> {
  const { headers, method, host, body } = request;
  const presented = presentedIn(headers, request.path, config, request.certificate);
  const meant = presented.length === 1 ? presented[0]?.meant : undefined;
  const credential = meant?.credential;
  const values = (name: string) => headers.filter(([each]) => each === name).map(([, value]) => value);
  const shown = (name: string) =>
    values(name)
      .map((value) => JSON.stringify(value))
      .join(" and ") || "none";
  const tenant = config.tenants.find((each) => each.tenant === meant?.tenant);
  const narrowed = credential?.tasks ? `; the credential: ${grants(credential.tasks)}` : "";
  const may = tenant ? ` (the tenant may call ${grants(tenant.tasks)}${narrowed})` : "";
  return {
    credential: presented.map(({ description }) => description).join(" and ") || "none",
    proof: meant
      ? `credential ${meant.credential.id} of tenant ${meant.tenant}`
      : "no credential that is known",
    revocation: `${config.revoked?.length ?? 0} digests in the configuration`,
    validity: credential ? validity(credential, request.at) : "",
    headers: `taskid ${shown("taskid")}, version ${shown("version")}`,
    method: method + allowed(credential?.methods),
    host: host + allowed(credential?.hosts),
    task: shown("taskid") + may,
    version: shown("version"),
    body: body === undefined ? "none" : `${body.length} bytes`,
  };
}

function validity({ enabled, notBefore, notAfter }: CredentialConfig, at: number): string {
  const from = notBefore === undefined ? "" : `, from ${notBefore}`;
  const until = notAfter === undefined ? "" : `, until ${notAfter}`;
  return `${enabled === false ? "switched off" : "switched on"}${from}${until} (it is ${new Date(at).toISOString()})`;
}

function allowed(list: unknown): string {
  return Array.isArray(list) && list.length > 0 ? ` (may be ${list.join(", ")})` : "";
}

function grants(list: GrantConfig[] = []): string {
  const shown = list
    .slice(0, 10)
    .map(
      ({ task, versions, inspect }) =>
        (versions ? `${task} in ${versions.join("|")}` : task) + (inspect ? " (and may inspect)" : ""),
    );
  return (shown.join(", ") || "none") + (list.length > 10 ? ` and ${list.length - 10} more` : "");
}
