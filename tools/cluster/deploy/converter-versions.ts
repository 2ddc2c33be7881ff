import type { Resources } from "../../api/cross-check.ts";
import { pullModule } from "../../lib/oci/pull-module.ts";
import { parseReference } from "../../lib/oci/reference.ts";
import { checkModule, madeWith } from "../../lib/wasm/made-with.ts";
import { versionOf } from "../../lib/wasm/version.ts";
import { TENANT_LABEL } from "../istio/names.ts";
import type { Plan } from "./plan.ts";

/** A registry that is silent holds nothing up for longer. */
const WITHIN_MS = 10_000;

type Pull = (image: string) => Promise<Uint8Array>;

/**
 * Checks that the converters of tasks were made with an SDK that fits the filter of their gateway.
 * @returns lines about what is not known: an image that can't be pulled from here, a module that does not say
 * @throws Error that names both versions of one that does not fit
 */
export async function checkConverters(
  files: Resources,
  planned: Plan,
  pull: Pull = pullNow,
): Promise<string[]> {
  const unknown: string[] = [];
  const modules = new Map<string, Promise<Uint8Array | undefined>>();
  const moduleOf = (image: string) => {
    const known = modules.get(image);
    if (known) return known;
    const pulled = pull(image).catch((error: Error) => {
      unknown.push(`the version of ${image} is not known here: ${error.message}`);
      return undefined;
    });
    modules.set(image, pulled);
    return pulled;
  };
  for (const { resource } of files.tasks) {
    const { converter } = resource.spec.conversion;
    const filter = filterImage(planned, resource.spec.tenant);
    if (converter === undefined || filter === undefined) continue;
    const gateway = await moduleOf(filter);
    const version = gateway && versionOf(gateway)?.split("+")[0];
    const module = version === undefined ? undefined : await moduleOf(converter);
    if (!module || version === undefined) continue;
    const name = `ModelTask/${resource.metadata.name}: spec.conversion.converter: ${converter}`;
    if (madeWith(module)) checkModule(module, version, name);
    else unknown.push(`${name} does not say which SDK it was made with: build it anew`);
  }
  return [...new Set(unknown)];
}

/** The image of the filter that a tenant's gateway is to run. */
function filterImage({ changes }: Plan, tenant: string): string | undefined {
  const plugin = changes.find(
    ({ desired: { kind, metadata } }) => kind === "WasmPlugin" && metadata.labels?.[TENANT_LABEL] === tenant,
  );
  return (plugin?.desired.spec as { url?: string } | undefined)?.url;
}

async function pullNow(image: string): Promise<Uint8Array> {
  const late = AbortSignal.timeout(WITHIN_MS);
  const silent = new Promise<never>((_, reject) => {
    late.onabort = () => reject(new Error(`no answer in ${WITHIN_MS / 1000} s`));
  });
  return Promise.race([pullModule(parseReference(image)), silent]);
}
