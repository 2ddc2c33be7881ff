import { page, plain, table } from "./markdown.ts";
import { REASONS, type Reason } from "./reasons.ts";

const status = ({ status }: Reason) => (status === 0 ? "as for N" : String(status));

/** All reasons with their statuses. */
export function reasonsPage(): string {
  return page(
    "Reasons",
    'A refusal is `{"error":"...","reason":"..."}` for HTTP callers and a status for gRPC callers. `reason` is stable; `error` is a sentence for people and may change. The access log has it as `reason` (in a dry run as `would_refuse`), and the metric `modelgate.refused.<reason>` counts it. What to do: [Troubleshooting](../operate/troubleshooting.md).',
    ...REASONS.flatMap(({ title, reasons }) => [
      `## ${title}`,
      table(
        ["reason", "HTTP", "gRPC", "cause"],
        reasons.map((each) => [`\`${each.reason}\``, status(each), each.grpc, plain(each.cause)]),
      ),
    ]),
  );
}

/** What to do about each. */
export function troubleshootingPage(): string {
  return page(
    "Troubleshooting by reason",
    "Find the `reason` in the caller's answer, in the access log, or in the metrics:",
    "```sh no-test\nmodelgate logs --code 4xx -o json\nmodelgate logs --reason task_forbidden --since 1h\n```",
    ...REASONS.flatMap(({ title, reasons }) => [
      `## ${title}`,
      table(
        ["reason", "what happened", "what to do"],
        reasons.map(({ reason, cause, remedy }) => [`\`${reason}\``, plain(cause), plain(remedy)]),
      ),
    ]),
    "## Without a reason",
    table(
      ["what you see", "what happened", "what to do"],
      [
        [
          "403 at once, `response_code_details` has `rbac`",
          "the pod could not pull its filter, so Istio's agent denies every request",
          "`modelgate status`; check registry and pull secret",
        ],
        [
          "a new gateway pod does not become ready: its startup probe fails with 403",
          "it could not pull its filter, so the Service leaves it out",
          "the log of its container says what the registry answered; the kubelet starts it again each minute, later less often",
        ],
        [
          "the same with 503, or the connection is refused",
          "no WasmPlugin selects the pod, or istiod has told it no listener yet",
          "`modelgate status`, `modelgate doctor`",
        ],
        [
          "503 and `response_flags` without `UF`",
          "the filter trapped, or is being started again",
          "Envoy's log names function and line; `modelgate rollout undo`",
        ],
        [
          "404 without JSON",
          "no route: host or task is not known to this gateway",
          "check `spec.gateway.hosts` and the ModelTask's condition Ready",
        ],
        [
          "400 without JSON",
          "Envoy refused the request before any filter",
          "see `response_code_details` in the access log",
        ],
      ],
    ),
  );
}
