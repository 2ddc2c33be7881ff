import { parseAllDocuments } from "yaml";
import { type Fault, InvalidResources } from "../../api/fault.ts";
import type { Loaded } from "../../api/load.ts";
import type { ModelTask } from "../../api/model-task.ts";
import { readSources } from "../../api/read.ts";
import type { Tenant } from "../../api/tenant.ts";
import { ApiError } from "../../lib/kubernetes/api-error.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { type ControllerAddress, TOKEN_KEY } from "../istio/rate-limit-config.ts";
import { isSealingKey, SEALING_KEY_VARIABLE, sealingKeyOf } from "../istio/seal.ts";
import type { SecretLookup } from "../istio/secret-lookup.ts";
import { COLLECTOR_TOKEN, type RenderedSecret, secretsOf } from "../istio/secrets-of.ts";
import { isServed } from "../istio/tenant-auth-config.ts";

/** RFC 2104 advises a key of at least the size of the hash. */
const HMAC_MIN_BYTES = 32;
/** What may stand behind `Bearer` in a header (RFC 6750, section 2.1). */
const BEARER_TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;
const SEALING_KEY = ["spec", "gateway", "sealingKey"];

/** Kubernetes Secrets by `namespace/name`; of each its values by key. */
export type Secrets = Map<string, Map<string, Uint8Array>>;

export function lookupIn(secrets: Secrets): SecretLookup {
  return (namespace, name, key) => secrets.get(`${namespace}/${name}`)?.get(key);
}

/**
 * The Secrets of files of Kubernetes objects, for `--secrets`. A Secret without a namespace is in `default`;
 * other kinds pass.
 * @throws Error that names the file
 */
export async function secretsOfFiles(paths: string[]): Promise<Secrets> {
  const secrets: Secrets = new Map();
  for (const { file, text } of await readSources(paths)) {
    for (const document of parseAllDocuments(text)) {
      if (document.errors.length > 0) throw new Error(`${file}: is not YAML`);
      const object = document.toJS() as (Manifest & { items?: Manifest[] }) | null;
      for (const each of object?.kind === "List" ? (object.items ?? []) : [object]) {
        if (each?.kind === "Secret") secrets.set(nameOf(each), valuesOf(each));
      }
    }
  }
  return secrets;
}

/**
 * The Secrets that the tenants' credentials, logs and tasks name, and `further` ones in their gateways'
 * namespaces, as far as the cluster has them. @throws Error that names the role when one may not be read
 */
export async function secretsOfCluster(
  client: KubernetesClient,
  tenants: Tenant[],
  tasks: ModelTask[],
  further: string[] = [],
): Promise<Secrets> {
  const secrets: Secrets = new Map();
  const wanted = new Map(
    tenants.flatMap((tenant) => {
      const { namespace } = tenant.spec.gateway;
      const names = [...references(tenant, tasks, further.length > 0).map(({ name }) => name), ...further];
      return names.map((name): [string, Manifest] => [
        `${namespace}/${name}`,
        { apiVersion: "v1", kind: "Secret", metadata: { name, namespace } },
      ]);
    }),
  );
  const answers = await Promise.allSettled(
    [...wanted].map(async ([key, object]) => {
      try {
        secrets.set(key, valuesOf(await client.get(object)));
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.code === 403)
          throw new Error(
            `Secret ${key}: ${error.message.replace(/ \(.*/, "")}: bind the ClusterRole modelgate-secret-reader to the account in this namespace`,
          );
        if (error.code !== 404) throw error;
      }
    }),
  );
  // The first as the tenants name them, whichever answer comes first.
  for (const answer of answers) if (answer.status === "rejected") throw answer.reason;
  return secrets;
}

/**
 * @param tasks of any tenants
 * @throws InvalidResources for each credential, token for the collector, model server's key and sealing key
 *   whose Secret is missing or can't be used, and for secrets that nothing would seal
 */
export function requireSecrets(
  tenants: Loaded<Tenant>[],
  tasks: Loaded<ModelTask>[],
  secrets: Secrets,
  advice: string,
  controller?: ControllerAddress,
): SecretLookup {
  return lookupWithout(
    tenants.flatMap((tenant) => [
      ...secretFaults(tenant, secrets, advice),
      ...tokenFaults(tenant, secrets, advice),
      ...serverKeyFaults(tenant, tasks, secrets, advice),
      ...sealingFaults(tenant, secretsOf(tenant.resource, resources(tasks), controller), secrets, advice),
    ]),
    secrets,
  );
}

/** As `requireSecrets`, for what tenant-auth needs alone: credentials, and model servers' keys. */
export function requireKeys(
  tenants: Loaded<Tenant>[],
  tasks: Loaded<ModelTask>[],
  secrets: Secrets,
  advice: string,
): SecretLookup {
  return lookupWithout(
    tenants.flatMap((tenant) => [
      ...secretFaults(tenant, secrets, advice),
      ...serverKeyFaults(tenant, tasks, secrets, advice),
      ...sealingFaults(
        tenant,
        secretsOf(tenant.resource, resources(tasks), undefined).filter(isKey),
        secrets,
        advice,
      ),
    ]),
    secrets,
  );
}

/** Of a credential, or of a task's model server. */
const isKey = ({ path }: RenderedSecret) => path !== COLLECTOR_TOKEN;
const resources = (tasks: Loaded<ModelTask>[]) => tasks.map(({ resource }) => resource);

/** No secret goes into a cluster in clear: who may read WasmPlugins could call with it. */
function sealingFaults(
  { resource, fault }: Loaded<Tenant>,
  rendered: RenderedSecret[],
  secrets: Secrets,
  advice: string,
): Fault[] {
  const [first] = rendered;
  if (!first) return [];
  const { namespace, sealingKey } = resource.spec.gateway;
  const wanted = sealingKeyOf(resource);
  if (!wanted)
    return [
      fault(
        first.path,
        `${first.what} would stand in the WasmPlugin in clear: name a Secret with a key to seal it in spec.gateway.sealingKey, and give it to the gateway's pods as ${SEALING_KEY_VARIABLE}`,
      ),
    ];
  const path = sealingKey ? SEALING_KEY : first.path;
  const name = `Secret ${namespace}/${wanted.name}`;
  const key = secrets.get(`${namespace}/${wanted.name}`)?.get(wanted.key);
  if (!key) return [fault(path, `${name} with the sealing key (${wanted.key}) is not known: ${advice}`)];
  if (isSealingKey(key)) return [];
  return [fault(path, `${name}: ${wanted.key} must hold 64 hexadecimal digits: openssl rand -hex 32`)];
}

function lookupWithout(faults: Fault[], secrets: Secrets): SecretLookup {
  if (faults.length > 0) throw new InvalidResources(faults);
  return lookupIn(secrets);
}

function secretFaults({ resource, fault }: Loaded<Tenant>, secrets: Secrets, advice: string): Fault[] {
  const { gateway, credentials } = resource.spec;
  return credentials.flatMap((credential, index) => {
    const { id, type, secretRef } = credential;
    if (!secretRef || !isServed(credential)) return [];
    const complain = (message: string) => [
      fault(["spec", "credentials", index, "secretRef"], `credential ${id}: ${message}`),
    ];
    const name = `Secret ${gateway.namespace}/${secretRef.name}`;
    const held = secrets.get(`${gateway.namespace}/${secretRef.name}`);
    if (!held) return complain(`${name} is not known: ${advice}`);
    const value = held.get(secretRef.key);
    if (!value)
      return complain(
        `${name} has no key ${JSON.stringify(secretRef.key)} (it has ${[...held.keys()].join(", ")})`,
      );
    if (value.at(-1) === 0x0a)
      return complain(`${name}: ${secretRef.key} ends with a line break: make it without one (printf %s)`);
    if (type === "hmac" && value.length < HMAC_MIN_BYTES)
      return complain(`${name}: ${secretRef.key} must be at least ${HMAC_MIN_BYTES} bytes`);
    return value.length === 0 ? complain(`${name}: ${secretRef.key} is empty`) : [];
  });
}

function tokenFaults({ resource, fault }: Loaded<Tenant>, secrets: Secrets, advice: string): Fault[] {
  const secret = collectorSecret(resource);
  if (secret === undefined) return [];
  const name = `${resource.spec.gateway.namespace}/${secret}`;
  const held = secrets.get(name);
  if (!held) return [fault(COLLECTOR_TOKEN, `Secret ${name} is not known: ${advice}`)];
  const token = held.get(TOKEN_KEY);
  if (token && BEARER_TOKEN.test(Buffer.from(token).toString().trim())) return [];
  const what = token ? "holds no token: letters, digits and -._~+/ make one" : "is missing";
  return [fault(COLLECTOR_TOKEN, `Secret ${name}: its key ${TOKEN_KEY} ${what}`)];
}

/** Of the tenant's tasks, those whose model server's key is missing or can't stand in a header. */
function serverKeyFaults(
  { resource: { metadata, spec } }: Loaded<Tenant>,
  tasks: Loaded<ModelTask>[],
  secrets: Secrets,
  advice: string,
): Fault[] {
  return tasks.flatMap(({ resource: task, fault }) => {
    const secret = task.spec.openai?.apiKeySecret;
    if (!secret || task.spec.tenant !== metadata.name) return [];
    const name = `Secret ${spec.gateway.namespace}/${secret.name}`;
    const key = secrets.get(`${spec.gateway.namespace}/${secret.name}`)?.get(secret.key);
    const complain = (message: string) => [fault(["spec", "openai", "apiKeySecret"], `${name}${message}`)];
    if (!key) return complain(`, key ${JSON.stringify(secret.key)}, is not known: ${advice}`);
    if (BEARER_TOKEN.test(Buffer.from(key).toString())) return [];
    return complain(
      `: ${secret.key} holds no key: letters, digits and -._~+/ make one, without a line break`,
    );
  });
}

function references(tenant: Tenant, tasks: ModelTask[], withToken: boolean): { name: string }[] {
  const sealingKey = withToken || needsSealing(tenant, tasks) ? sealingKeyOf(tenant) : undefined;
  const name = collectorSecret(tenant);
  return [
    ...tenant.spec.credentials.filter(isServed).flatMap(({ secretRef }) => secretRef ?? []),
    ...tasks.flatMap(({ spec }) =>
      spec.tenant === tenant.metadata.name ? (spec.openai?.apiKeySecret ?? []) : [],
    ),
    ...(name === undefined ? [] : [{ name }]),
    ...(sealingKey ? [sealingKey] : []),
  ];
}

const needsSealing = (tenant: Tenant, tasks: ModelTask[]) => secretsOf(tenant, tasks, undefined).length > 0;

function collectorSecret({ spec }: Tenant): string | undefined {
  return spec.gateway.tuning.accessLog.collector?.tokenSecret;
}

function nameOf({ metadata }: Manifest): string {
  return `${metadata.namespace ?? "default"}/${metadata.name}`;
}

function valuesOf(secret: Manifest): Map<string, Uint8Array> {
  const { data, stringData } = secret as {
    data?: Record<string, string>;
    stringData?: Record<string, string>;
  };
  return new Map([
    ...Object.entries(data ?? {}).map(([key, value]): [string, Uint8Array] => [
      key,
      Buffer.from(value, "base64"),
    ]),
    ...Object.entries(stringData ?? {}).map(([key, value]): [string, Uint8Array] => [
      key,
      Buffer.from(value),
    ]),
  ]);
}
