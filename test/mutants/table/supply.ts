import { type Mutant, mutants } from "../mutant.ts";

const PODS = "test/unit/release/pods.test.ts:";
const SHELL = "gets a shell in a pod of Modelgate, or writes into its files";
const DOCKERFILE = "manifests/controller/Dockerfile";

/** Images and charts. */
export const SUPPLY: Mutant[] = [
  ...mutants(SHELL, "manifests/controller/deployment.yaml", [
    [`${PODS} pods of manifests/controller`, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false"],
    [
      `${PODS} pods of manifests/controller`,
      "capabilities: { drop: [ALL] }",
      "capabilities: { drop: [NET_RAW] }",
    ],
    [`${PODS} pods of manifests/controller`, "runAsNonRoot: true", "runAsNonRoot: false"],
  ]),
  ...mutants(SHELL, DOCKERFILE, [
    [`${PODS} images begin with nothing`, "FROM scratch AS command", "FROM node:24 AS command"],
    [`${PODS} images begin with nothing`, "USER 10001:10001", "USER 0:0"],
  ]),
  ...mutants("puts something into an image on its way", "tools/lib/oci/archive.ts", [
    [
      "test/unit/oci/image.test.ts: packImage compat gives the same digest",
      "mtime: new Date(0)",
      "mtime: new Date()",
    ],
    ["test/unit/oci/image.test.ts: packImage compat gives the same digest", "level: 9", "level: 1"],
  ]),
  ...mutants("exchanges an image or a chart between a release and a cluster", "tools/lib/oci/signature.ts", [
    [
      "test/oci/signature.test.ts: the signature of another image does not pass",
      'if (critical?.image?.["docker-manifest-digest"] === image.digest)',
      "if (critical)",
    ],
  ]),
  ...mutants(
    "ships a chart that does something else than its sources",
    "manifests/controller/gateway-role.yaml",
    [
      [
        "test/unit/release/chart.test.ts: the chart's templates are current",
        "verbs: [get, list, watch]",
        "verbs: [get, list, watch, create]",
      ],
    ],
  ),
  ...mutants("turns a protection off by a misspelt value", "manifests/chart/values.schema.json", [
    [
      `${PODS} values of the chart a misspelt one in []`,
      '"type": "object",\n  "additionalProperties": false,',
      '"type": "object",',
    ],
  ]),
  ...mutants(
    "reaches controller or collector from another namespace after an install by default",
    "manifests/chart/values.yaml",
    [
      [
        `${PODS} values of the chart keep others out`,
        "admissionPolicy: { enabled: true }",
        "admissionPolicy: { enabled: false }",
      ],
      [
        `${PODS} values of the chart keep others out`,
        "networkPolicy:\n  enabled: true",
        "networkPolicy:\n  enabled: false",
      ],
    ],
  ),
];
