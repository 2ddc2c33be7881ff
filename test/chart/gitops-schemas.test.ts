import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { beforeAll, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { cachePath, PROJECT_ROOT } from "../../tools/lib/installation.ts";

/** The GitOps manifests by the schemas of Flux's and Argo CD's own definitions, and by the Go types of Flux. */

const DEFINITIONS: [module: string, folder: string][] = [
  ["github.com/fluxcd/source-controller@v1.8.5", "config/crd/bases"],
  ["github.com/fluxcd/kustomize-controller@v1.7.3", "config/crd/bases"],
  ["github.com/argoproj/argo-cd/v3@v3.3.0", "manifests/crds"],
];

interface Schema {
  properties?: Record<string, Schema>;
  [field: string]: unknown;
}

interface Definition {
  kind: string;
  spec: {
    group: string;
    names: { kind: string };
    versions: { name: string; schema: { openAPIV3Schema: Schema } }[];
  };
}

interface Document {
  apiVersion: string;
  kind: string;
  spec?: object;
}

const folder = new URL("manifests/gitops/", PROJECT_ROOT);
const files = ["flux", "argo-cd"].flatMap((each) =>
  readdirSync(new URL(each, folder)).map((name) => `${each}/${name}`),
);
const documentsOf = (text: string) => parseAllDocuments(text).map((each) => each.toJS() as Document);
const documents = files.flatMap((file) =>
  documentsOf(readFileSync(new URL(file, folder), "utf8")).map((document) => ({ file, document })),
);

/** By `apiVersion kind`. */
const schemas = new Map<string, Schema>();

beforeAll(() => {
  for (const [module, path] of DEFINITIONS) {
    const bases = join(downloaded(module), path);
    for (const name of readdirSync(bases).filter((each) => each.endsWith(".yaml"))) {
      const definitions = documentsOf(readFileSync(join(bases, name), "utf8")) as unknown as Definition[];
      for (const { kind, spec } of definitions)
        for (const version of kind === "CustomResourceDefinition" ? spec.versions : [])
          schemas.set(
            `${spec.group}/${version.name} ${spec.names.kind}`,
            closed(version.schema.openAPIV3Schema),
          );
    }
  }
}, 600_000);

/** Folder of a Go module's sources. */
function downloaded(module: string): string {
  const said = execFileSync("go", ["mod", "download", "-json", module], { encoding: "utf8", cwd: "/" });
  return (JSON.parse(said) as { Dir: string }).Dir;
}

/** With no fields but those that are named: an API server drops others in silence, or refuses them. */
function closed(schema: Schema): Schema {
  const copy = Object.fromEntries(
    Object.entries(schema)
      // Rules in CEL, and formats that are Go's.
      .filter(([name]) => !name.startsWith("x-") && name !== "format")
      .map(([name, value]) => [
        name,
        ["properties", "additionalProperties", "items"].includes(name) ? inner(name, value) : value,
      ]),
  );
  const isOpen = schema["x-kubernetes-preserve-unknown-fields"] === true || !schema.properties;
  return isOpen ? copy : { additionalProperties: false, ...copy };
}

function inner(name: string, value: unknown): unknown {
  if (name !== "properties") return typeof value === "object" ? closed(value as Schema) : value;
  const fields = Object.entries(value as Record<string, Schema>);
  // ObjectMeta is Kubernetes' own, and open here.
  return Object.fromEntries(
    fields.map(([field, each]) => [field, field === "metadata" ? { type: "object" } : closed(each)]),
  );
}

function faults(document: Document): string[] {
  const schema = schemas.get(`${document.apiVersion} ${document.kind}`);
  if (!schema) return [`${document.apiVersion} ${document.kind} is defined nowhere`];
  const ajv = new Ajv({ strict: false, allErrors: true });
  ajv.validate(schema, document);
  return (ajv.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

const isOfKubernetes = ({ apiVersion }: Document) => apiVersion === "v1";
const isRelease = ({ kind }: Document) => kind === "HelmRelease";

it("what Flux and Argo CD get has the fields of their definitions, and no others", () => {
  const own = documents.filter(({ document }) => !isOfKubernetes(document) && !isRelease(document));
  expect(own.map(({ document }) => document.kind).sort()).toEqual([
    ...["Application", "Application", "Kustomization", "OCIRepository"],
  ]);
  for (const { file, document } of own) expect([file, faults(document)]).toEqual([file, []]);
});

it("a misspelt field would be found", () => {
  const found = documents.find(({ document: { kind } }) => kind === "Kustomization");
  const document = { apiVersion: "", kind: "", ...found?.document };
  const misspelt = { ...document, spec: { ...document.spec, pruned: true } };
  expect(faults(misspelt)).toEqual([expect.stringContaining("pruned")]);
});

it("a HelmRelease is what Flux's own types read, and nothing else", () => {
  const program = cachePath("chart/release");
  const cwd = fileURLToPath(new URL("release", import.meta.url));
  execFileSync("go", ["build", "-mod=readonly", "-o", program, "."], { cwd, stdio: "inherit" });
  const read = (document: object) =>
    execFileSync(program, { input: JSON.stringify(document), encoding: "utf8" });
  const releases = documents.filter(({ document }) => isRelease(document));
  expect(releases).toHaveLength(1);
  for (const { document } of releases) {
    expect(read(document)).toBe("");
    expect(read({ ...document, spec: { intervall: "1h" } })).toContain('unknown field "intervall"');
  }
});
