/** An example of a command: what it shows, and the command line behind `modelgate`. */
type Example = readonly [comment: string, args: string];

const IMAGE = "oci://registry.example/modelgate/gateway@sha256:0f1e...";
const GATEWAY = "--gateway search/search-gateway";

/** Examples of each command that does something, by its words: what `--help` and the reference show. */
export const EXAMPLES: Record<string, readonly Example[]> = {
  build: [
    ["Compile all filters", "build"],
    ["Compile one filter", "build gateway"],
    ["Compile a converter", "build --converter converters/ranking"],
  ],
  controller: [
    ["In a cluster, with TLS", "controller --tls-cert tls.crt --tls-key tls.key"],
    ["On this machine, from files", "controller --config manifests/examples/search"],
  ],
  "budgets list": [
    ["See what is spent of all budgets", "budgets list"],
    [
      "Of a controller on this machine",
      "budgets list -f manifests/examples/search --budget-store /var/lib/modelgate/budgets",
    ],
  ],
  "budgets show": [
    ["Show a budget with its past months", "budgets show search monthly"],
    ["Show a credential's own, for programs", "budgets show search daily/ads-ranking -o json"],
  ],
  "budgets top-up": [
    ["Add tokens for the rest of the month", 'budgets top-up search monthly 5000000 --reason "launch"'],
    ["See what adding money would do", 'budgets top-up search spend "50 EUR" --dry-run'],
  ],
  "budgets reset": [
    ["Make a budget whole again", 'budgets reset search monthly --reason "wrong price"'],
    [
      "See what that would be, in PostgreSQL",
      "budgets reset search monthly --dry-run --budget-store postgres://db/modelgate",
    ],
  ],
  collector: [
    ["Follow log files", "collector '/var/log/modelgate/*.log' --store /var/lib/modelgate"],
    ["Take batches from gateways, and send lines on to Kafka", "collector --listen :8092 --kafka kafka:9092"],
  ],
  indexer: [
    [
      "Write into an Elasticsearch of this machine",
      "indexer --kafka kafka:9092 --elasticsearch http://127.0.0.1:9200",
    ],
    [
      "Send an API key along",
      "indexer --kafka kafka:9092 --elasticsearch https://search.example --elasticsearch-headers headers.txt",
    ],
  ],
  top: [
    ["Watch all tasks, slowest first", "top --sort p99"],
    ["Print the traffic of one tenant once", "top --tenant search --once"],
  ],
  logs: [
    ["Follow failed requests", "logs -f --code 5xx"],
    ["Print slow requests of a file as JSON", "logs access.log --slower-than 200ms -o json"],
  ],
  metrics: [
    ["Print the last hour by the minute", "metrics --since 1h --step 1m"],
    ["Compare versions, from a file", "metrics access.log.1.gz --by taskid,version"],
  ],
  dev: [
    ["Send the demo's requests", "dev --demo"],
    [
      "Run the gateway of a Tenant in front of your model server",
      "dev -f manifests/examples/search --server 666=127.0.0.1:9000 --port 8866",
    ],
  ],
  pack: [
    ["Pack the gateway filter", "pack"],
    ["Pack a converter", "pack --converter converters/ranking"],
  ],
  push: [
    ["Push the gateway filter with its SBOM", "push oci://registry.example/modelgate/gateway:v1 --sbom"],
    ["Push a converter", "push --converter converters/ranking oci://registry.example/converters/ranking:v1"],
  ],
  render: [
    ["Print gateways and routes", `render -f manifests/examples/search --image ${IMAGE}`],
    [
      "Print what the model servers' Deployments need",
      "render -f manifests/examples/search --target deployment-patch",
    ],
  ],
  validate: [
    ["Check all files of a folder", "validate -f manifests/examples/search"],
    ["Check a file on its way", "validate -f - -n search < task.yaml"],
  ],
  diff: [
    ["Show what would change", "diff -f manifests/examples/search"],
    ["Include what would be deleted", `diff -f manifests/examples/search --prune --image ${IMAGE}`],
  ],
  apply: [
    ["Apply a tenant and wait for its gateway", `apply -f manifests/examples/search --image ${IMAGE} --wait`],
    ["Delete what is no longer in the files", "apply -f manifests/examples/search --prune"],
  ],
  get: [
    ["List tenants", "get tenants"],
    ["Print a task", "get modeltask ranking -n search -o yaml"],
  ],
  status: [
    ["Check all gateways", "status"],
    ["Check one tenant, and the version of its image", "status search --pull -o wide"],
  ],
  delete: [
    ["Delete a task", "delete modeltask ranking -n search"],
    ["Show what deleting a tenant would delete", "delete tenant search --dry-run client"],
  ],
  "credentials create": [
    [
      "Create an API key for some tasks, valid for 90 days",
      "credentials create app -f tenant.yaml --tasks '666,search-*' --not-after 90d",
    ],
    [
      "Create a signing key in a Secret",
      "credentials create batch --type hmac --secret batch-key --tenant search",
    ],
  ],
  "credentials list": [
    ["List the credentials of a file", "credentials list -f manifests/examples/search"],
    ["List those of a Tenant in the cluster", "credentials list --tenant search -o wide"],
  ],
  "credentials rotate": [
    ["Keep the old key for a week", "credentials rotate app -f tenant.yaml --grace 7d"],
    ["Rotate a key in the cluster", "credentials rotate app --tenant search --secret app-key"],
  ],
  "credentials revoke": [
    ["Revoke a credential", "credentials revoke app -f tenant.yaml --reason 'laptop lost'"],
    ["Revoke one token", "credentials revoke --jti 4f7c --issuer https://login.example --tenant search"],
  ],
  "credentials verify": [
    [
      "Check a key for a task",
      "credentials verify -f manifests/examples/search -H 'x-api-key: demo-search-key' -H 'taskid: 666'",
    ],
    [
      "Check headers of a file",
      "credentials verify -f tenant.yaml -H @headers.txt --path /v2/models/m/infer",
    ],
  ],
  "task discover": [
    ["Print the fields of a ModelTask", "task discover 10.0.0.7:8500 --model ranking --taskid 666"],
    [
      "Print a configuration for modelgate dev --config",
      "task discover 10.0.0.7:8500 --model ranking --taskid 666 -o plugin-config",
    ],
  ],
  "rollout start": [
    ["Go from 5 to 25 to 100 percent of the pods", `rollout start ${GATEWAY} --image ${IMAGE}`],
    [
      "Watch each step for five minutes, and require a signature",
      `rollout start ${GATEWAY} --image ${IMAGE} --steps 10,100 --interval 300 --key release.pub`,
    ],
  ],
  "rollout pause": [
    ["Pause", `rollout pause ${GATEWAY}`],
    ["The name is enough if it is unique", "rollout pause --gateway search-gateway"],
  ],
  "rollout resume": [
    ["Resume", `rollout resume ${GATEWAY}`],
    ["In another cluster", `rollout resume ${GATEWAY} --context staging`],
  ],
  "rollout undo": [
    ["Roll back", `rollout undo ${GATEWAY}`],
    ["In another cluster", `rollout undo ${GATEWAY} --context staging`],
  ],
  "rollout status": [
    ["Show the current step", `rollout status ${GATEWAY}`],
    ["In another cluster", `rollout status ${GATEWAY} --context staging`],
  ],
  "rollout history": [
    ["List finished rollouts", `rollout history ${GATEWAY}`],
    ["In another cluster", `rollout history ${GATEWAY} --context staging`],
  ],
  sign: [
    ["Create a key pair and sign", `sign ${IMAGE} --generate-key release`],
    ["Sign with a key", `sign ${IMAGE} --key release.key`],
  ],
  verify: [
    ["Verify with a public key", `verify ${IMAGE} --key release.pub`],
    [
      "Ask a mirror first",
      `verify ${IMAGE} --key release.pub --mirror registry.example=mirror.example/modelgate`,
    ],
  ],
  install: [
    ["Install everything", "install --image registry.example/modelgate@sha256:0f1e..."],
    ["Print the custom resource definitions", "install --crds-only --dry-run client"],
  ],
  doctor: [
    ["Check a cluster before an installation", "doctor"],
    ["Check that a filter can be had, for a script", `doctor --image ${IMAGE} -o json`],
  ],
  uninstall: [
    ["Remove controller and collector", "uninstall"],
    ["Also remove the custom resource definitions", "uninstall --crds"],
  ],
  "new converter": [
    ["Create ./ranking", "new converter ranking"],
    ["Create another folder", "new converter ranking --dir converters/ranking"],
  ],
  "new filter": [
    ["Create ./header-guard", "new filter header-guard"],
    ["Create another folder", "new filter header-guard --dir filters/header-guard"],
  ],
  test: [
    ["Test a converter", "test --converter converters/ranking"],
    ["Test a filter of your own, in this folder", "test --filter ."],
  ],
  warmup: [
    ["As a startup probe", "warmup -f task.yaml"],
    ["As a sidecar", "warmup -f task.yaml --serve :8867"],
  ],
  drain: [
    ["Drain a replica through its sidecar", "drain --sidecar http://127.0.0.1:8867"],
    ["Drain a gateway's Envoy", "drain --envoy http://127.0.0.1:15000 --endpoint-timeout 15s"],
  ],
  loadtest: [
    [
      "Find the capacity of a replica and write it to the task",
      "loadtest ranking -f tasks.yaml --address 10.0.0.7:8866 --slo p99=200ms,errors=0.1% --write",
    ],
    [
      "Replay an access log at twice the speed",
      "loadtest ranking -f tasks.yaml --replay access.ndjson --speed 2",
    ],
  ],
  "explain placement": [
    ["Explain the placement of a task", "explain placement ranking -f manifests/examples/search"],
    ["Of the only task in a file", "explain placement -f task.yaml"],
  ],
  completion: [
    ["Complete in this bash", "completion bash"],
    ["Install for fish", "completion fish > ~/.config/fish/completions/modelgate.fish"],
  ],
};

/**
 * Examples of a command; of a group of commands the first of each, of the program (no words) where to start.
 */
export function examplesOf(path: string): readonly Example[] {
  if (path === "") return ["dev", "apply"].flatMap((name) => EXAMPLES[name]?.slice(0, 1) ?? []);
  const own = EXAMPLES[path];
  if (own) return own;
  const below = Object.keys(EXAMPLES).filter((each) => each.startsWith(`${path} `));
  return below.flatMap((each) => EXAMPLES[each]?.slice(0, below.length === 1 ? 2 : 1) ?? []);
}
