import { type Mutant, mutants } from "../mutant.ts";

const OTHERS_TASK = "calls the task of another tenant";
const TAKES = "takes the hosts, the gateway or the task id of another";
const AUTH = "test/host/tenant-auth.test.ts: permissions";
const CHECK = "test/unit/resources/cross-check.test.ts: bad input, as printed";

/** What one tenant may try against another. */
export const TENANTS: Mutant[] = [
  ...mutants(OTHERS_TASK, "filters/tenant-auth/permissions.ts", [
    [`${AUTH}, wherever a grant lies in the table 3 tenants of 1`, "grant.set != set || ", ""],
    [
      `${AUTH} other version`,
      "if (versions[v].equals(version, versionLen)) return Decision.Allowed;",
      "return Decision.Allowed;",
    ],
    [
      `${AUTH}, wherever a grant lies in the table names that begin`,
      "!grant.task.equals(task, len)) continue;",
      "!grant.task.equals(task, min(len, grant.task.len))) continue;",
    ],
    [
      "test/host/inspection.test.ts: needs a grant that says so",
      "if (inspecting && !grant.inspect) continue;",
      "",
    ],
  ]),
  ...mutants(OTHERS_TASK, "filters/tenant-auth/read-grants.ts", [
    [
      `${AUTH} less than the prefix`,
      "task.substring(0, task.length - 1)",
      "task.substring(0, task.length - 2)",
    ],
    [`${AUTH} longer task`, 'task.endsWith("*")', "true"],
  ]),
  ...mutants(OTHERS_TASK, "filters/tenant-auth/tenant-auth.ts", [
    [
      `${AUTH} outside of what it is narrowed to`,
      "return refusal != null || credential < 0 ? refusal : this.setAllows(credential, http, inspecting);",
      "return refusal;",
    ],
    [
      "test/host/tenant-auth.test.ts: tokens task outside of the token's",
      "if (!this.tokenAllows(http)) return reply.TASK_FORBIDDEN;",
      "",
    ],
    [`${AUTH} other method`, "if (!credential.allowsMethod(http.method)) return reply.METHOD_FORBIDDEN;", ""],
    [
      `${AUTH} host that ends likewise`,
      "if (!credential.allowsHost(http.authority)) return reply.HOST_FORBIDDEN;",
      "",
    ],
    [
      `${AUTH} no task`,
      "if (!asksModels && (http.taskids == 0 || http.taskid.len == 0)) return reply.TASK_MISSING;",
      "",
    ],
  ]),
  ...mutants(OTHERS_TASK, "filters/tenant-auth/task-pattern.ts", [
    [
      `${AUTH} suffix alone`,
      "if (wild ? len <= fixed : len != fixed) return false;",
      "if (wild ? len < fixed : len != fixed) return false;",
    ],
    [
      "test/host/tenant-auth.test.ts: tokens another task as long as the token's",
      "memory.compare(pattern, task, fixed) == 0",
      "true",
    ],
  ]),
  ...mutants(TAKES, "tools/api/cross-check.ts", [
    [
      `${CHECK} gateway of two tenants`,
      "({ resource }) => gatewayName(resource),",
      "({ resource }) => resource.metadata.name + gatewayName(resource),",
    ],
    [
      `${CHECK} task id used twice`,
      "({ resource }) => resource.spec.taskid,\n",
      "(loaded) => String(tasks.indexOf(loaded)),\n",
    ],
    [
      `${CHECK} host of two tenants`,
      "same && same.loaded !== loaded\n",
      "same && same.loaded === undefined\n",
    ],
    [
      `${CHECK} host under a wildcard`,
      "each.loaded !== loaded && each.host !== host && covers(each.host, host)",
      "false",
    ],
    [`${CHECK} gateway that selects another's pods`, "    ...sharedPods(tenants),\n", ""],
    [
      `${CHECK} a public path of no task of the tenant`,
      "    ...tenants.flatMap((tenant) => publicPathFaults(tenant, tasks)),\n",
      "",
    ],
  ]),
  ...mutants("puts a ModelTask into a namespace of another", "tools/api/cross-check.ts", [
    [
      `${CHECK} namespace of nobody`,
      "if (tenant.spec.namespaces.includes(namespace)) return [];",
      "return [];",
    ],
    [
      `${CHECK} no namespace`,
      'const namespace = metadata.namespace ?? "default";\n    if',
      'const namespace = metadata.namespace ?? "search";\n    if',
    ],
  ]),
  ...mutants("reports in the name of another gateway", "tools/servers/controller/report-handler.ts", [
    [
      "test/unit/controller/controller.test.ts: callers that the API server knows of another pod",
      "if (pod !== undefined && pod !== parsed.pod)",
      "if (pod !== undefined && pod === parsed.pod)",
    ],
    [
      "test/unit/controller/controller.test.ts: callers that the API server knows of another namespace",
      "!parsed.gateway.startsWith(",
      "false && !parsed.gateway.startsWith(",
    ],
    [
      "test/unit/controller/controller.test.ts: callers that the API server knows of a namespace that begins alike",
      "}/`))",
      "}`))",
    ],
    [
      "test/unit/controller/controller.test.ts: callers that the API server knows with a bad token",
      'if (caller === "credential_unknown")',
      'if (caller === "credential_missing")',
    ],
  ]),
  ...mutants(
    "reports in the name of another gateway",
    "tools/servers/controller/kubernetes/token-review.ts",
    [
      [
        "test/unit/controller/mock-api.test.ts: token review a token that is bound",
        "pod === undefined ? { namespace } : { namespace, pod }",
        "{ namespace }",
      ],
      [
        "test/unit/controller/mock-api.test.ts: token review nobody is known whose token",
        "status?.authenticated !== true || ",
        "",
      ],
    ],
  ),
  ...mutants("reports in the name of another gateway", "tools/servers/controller/authenticate.ts", [
    [
      "test/unit/controller/tls.test.ts: a certificate of another namespace may not",
      "return namespace === undefined ? {} : { namespace };",
      "return {};",
    ],
  ]),
  ...mutants(
    "uses a token that was made for somebody else",
    "tools/servers/controller/kubernetes/token-review.ts",
    [
      [
        "test/unit/controller/mock-api.test.ts: token review audiences",
        "audiences.length > 0 && !audiences.some((each) => status.audiences?.includes(each))",
        "false",
      ],
    ],
  ),
];
