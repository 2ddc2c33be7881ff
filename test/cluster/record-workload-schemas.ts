import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";

/** Writes test/fixtures/workload-schemas.json: `node test/cluster/record-workload-schemas.ts`. Modules whose published files hold the definitions, at the versions that are recorded. */
const KUBERNETES = "k8s.io/kubernetes@v1.36.3";
const KEDA = "github.com/kedacore/keda/v2@v2.21.0";
const FILE = new URL("../fixtures/workload-schemas.json", import.meta.url);

type Schema = { [key: string]: unknown; properties?: Record<string, Schema>; $ref?: string };

interface OpenApi {
  components: { schemas: Record<string, Schema> };
}

/** Folder of a Go module, which is downloaded once. */
async function moduleFolder(module: string): Promise<string> {
  const { stdout } = await promisify(execFile)("go", ["mod", "download", "-json", module], { cwd: "/" });
  return (JSON.parse(stdout) as { Dir: string }).Dir;
}

/** The schema with its references in place, closed (an object takes no fields but its own), and without `required`: a patch holds a part. */
function inlined(value: unknown, all: Record<string, Schema>, isProperties = false): unknown {
  if (Array.isArray(value)) return value.map((item) => inlined(item, all));
  if (typeof value !== "object" || value === null) return value;
  const { $ref } = value as Schema;
  if (typeof $ref === "string") return inlined(all[$ref.split("/").at(-1) as string], all);
  const { allOf } = value as { allOf?: Schema[] };
  if (!isProperties && allOf?.length === 1 && allOf[0]?.$ref) return inlined(allOf[0], all);
  const dropped = /^(description|default|format|required|title|x-kubernetes-.*)$/;
  const kept = Object.entries(value).filter(([key]) => isProperties || !dropped.test(key));
  const schema = Object.fromEntries(
    kept.map(([key, item]) => [key, inlined(item, all, !isProperties && key === "properties")]),
  ) as Schema;
  if (!isProperties && schema.properties) schema.additionalProperties ??= false;
  return schema;
}

function openApiSchema(api: OpenApi, name: string): unknown {
  return inlined(api.components.schemas[name], api.components.schemas);
}

const kubernetes = await moduleFolder(KUBERNETES);
const openApi = async (group: string) =>
  JSON.parse(
    await readFile(join(kubernetes, `api/openapi-spec/v3/apis__${group}_openapi.json`), "utf8"),
  ) as OpenApi;
const keda = parse(
  await readFile(join(await moduleFolder(KEDA), "config/crd/bases/keda.sh_scaledobjects.yaml"), "utf8"),
) as { spec: { versions: { schema: { openAPIV3Schema: Schema } }[] } };
const schemas = {
  "apps/v1 Deployment": openApiSchema(await openApi("apps__v1"), "io.k8s.api.apps.v1.Deployment"),
  "autoscaling/v2 HorizontalPodAutoscaler": openApiSchema(
    await openApi("autoscaling__v2"),
    "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
  ),
  "keda.sh/v1alpha1 ScaledObject": inlined(keda.spec.versions[0]?.schema.openAPIV3Schema, {}),
};
await writeFile(FILE, `${JSON.stringify(schemas)}\n`);
console.error(`recorded ${Object.keys(schemas).join(", ")}`);
