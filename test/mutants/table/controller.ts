import { type Mutant, mutants } from "../mutant.ts";

const CLIENT = "test/host/controller-client.test.ts:";
const WRONG = `${CLIENT} replies that cannot be right`;
const NONSENSE = "answers with nonsense";
const NAMES = "makes up names without end";
const GONE = "is gone, slow or empty";
const ROLES = "test/unit/release/roles.test.ts:";
const REPLY = "filters/rate-limit/controller/limits-reply.ts";

/** A controller in foreign hands, and one that is not there. */
export const CONTROLLER: Mutant[] = [
  ...mutants(NONSENSE, REPLY, [
    [
      `${WRONG} of another version`,
      "!json.string(this.text) || !VERSION.equals(this.text.ptr, this.text.len)",
      "!json.string(this.text)",
    ],
    [
      `${WRONG} with two generations`,
      "versions == 1 && generations == 1 && fulls == 1",
      "versions == 1 && generations > 0 && fulls == 1",
    ],
    [`${WRONG} with more behind`, "return json.done && versions", "return !json.failed && versions"],
    [`${WRONG} with a negative rate`, "if (number >= 0 && number <= most &&", "if (number <= most &&"],
    [`${WRONG} with a huge rate`, "if (number >= 0 && number <= most &&", "if (number >= 0 &&"],
    [`${WRONG} with half a request in flight`, "(!whole || Math.floor(number) == number)", "true"],
    [`${WRONG} with a digest that is none`, "if ((high | low) < 0) return false;", ""],
    [`${WRONG} with a short digest`, "if (text.len != DIGEST * 2) return false;", ""],
  ]),
  ...mutants(NONSENSE, "filters/rate-limit/controller/limits-store.ts", [
    [
      `${CLIENT} limits stay where others took their place`,
      "if (!reply.full && held != reported) return false;",
      "",
    ],
    [
      `${WRONG} with a change of what nobody has`,
      "if (reply.generation == 0 || (!reply.full && held == 0)) return false;",
      "if (reply.generation == 0) return false;",
    ],
  ]),
  // Names that are not counted have no room in the index, in which a search for one does not end.
  ...mutants(NAMES, REPLY, [
    [`${CLIENT} limits never fill memory`, " || ++this.count > MOST_LIMITS) {", ") {"],
  ]).map((mutant): Mutant => ({ ...mutant, endless: true })),
  ...mutants(NAMES, REPLY, [[`${WRONG} with a name without end`, "name.len > LONGEST_NAME || ", ""]]),
  ...mutants(NAMES, "filters/rate-limit/controller/limits-store.ts", [
    [`${CLIENT} limits never fill memory`, "return count <= MOST_LIMITS && setShared", "return setShared"],
  ]),
  ...mutants(GONE, "filters/rate-limit/controller/controller-client.ts", [
    [`${WRONG} status 500`, "if (status != HttpStatus.OK) {", "if (status == 0) {"],
  ]),
  ...mutants(GONE, "filters/rate-limit/controller/limits-store.ts", [
    [`${CLIENT} limits change in part, and go`, "if (isNamed(record)) continue;", ""],
  ]),
  ...mutants("holds up requests", "filters/rate-limit/controller/controller-client.ts", [
    [
      `${CLIENT} reports come from one VM a second`,
      "if (!this.election.run(now) || this.pending) return;",
      "",
    ],
  ]),
  ...mutants("has more rights than it needs", "manifests/controller/rbac.yaml", [
    [
      `${ROLES} controller and collector change nothing`,
      "resources: [endpointslices]\n    verbs: [get, list, watch]",
      "resources: [endpointslices]\n    verbs: [get, list, watch, patch]",
    ],
    [`${ROLES} no role may do everything`, "resources: [tokenreviews]", 'resources: ["*"]'],
  ]),
  ...mutants("has more rights than it needs", "manifests/controller/reconciler-role.yaml", [
    [
      `${ROLES} nobody gives himself more`,
      "resourceNames: [modelgate-gateway]",
      "resourceNames: [modelgate-gateway, cluster-admin]",
    ],
    [
      `${ROLES} Secrets are read by gateways`,
      "resources: [services, serviceaccounts]",
      "resources: [services, serviceaccounts, secrets]",
    ],
  ]),
  ...mutants("a secret shows in a diff or a log", "tools/cluster/deploy/comparable.ts", [
    [
      "test/unit/deploy/comparable.test.ts: what is shown of an object",
      '(name === "secret" || name === "token")',
      'name === "secret"',
    ],
    ["test/unit/deploy/comparable.test.ts: what is shown of an object", ".slice(0, 8)", ".slice(0, 0)"],
  ]),
];
