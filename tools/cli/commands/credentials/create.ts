import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Command, Option } from "commander";
import { stringify } from "yaml";
import { sha256Hex } from "../../../api/credential-digests.ts";
import type { Tenant } from "../../../api/tenant.ts";
import { updateGateway } from "../../../cluster/credentials/gateway.ts";
import {
  type NewKey,
  newKey,
  type SecretOptions,
  secretOptions,
  showKey,
  storeSecret,
} from "../../../cluster/credentials/new-key.ts";
import {
  chooseTenant,
  type DryRun,
  openStore,
  type StoreOptions,
} from "../../../cluster/credentials/tenant-store.ts";
import { timeOrSpan } from "../../../cluster/credentials/time.ts";
import { dryRunOption, withStoreOptions } from "../../options/tenant-store.ts";

const TYPES = ["apiKey", "hmac", "token", "certificate"] as const;

interface CreateOptions extends StoreOptions, SecretOptions {
  type: (typeof TYPES)[number];
  issuer?: string;
  subject?: string;
  certificate?: string;
  tasks?: string[];
  versions?: string[];
  methods?: string[];
  hosts?: string[];
  notBefore?: string;
  notAfter?: string;
  dryRun: DryRun;
}

export function createCommand(): Command {
  const command = new Command("create")
    .description("Add a credential to a Tenant. A new API key is shown once; the Tenant holds its SHA-256")
    .argument("<id>", "id of the credential, used in logs and revocations")
    .addOption(new Option("--type <type>", "type of the credential").choices(TYPES).default("apiKey"))
    .option("--issuer <iss>", "token: issuer, one of the Tenant's jwtIssuers")
    .option("--subject <name>", "token: subject; certificate: spiffe://..., CN=... or a DNS name")
    .option("--certificate <file>", "certificate: PEM file; the Tenant gets its fingerprint")
    .option("--tasks <list>", "only these tasks, such as 666,search-*", list)
    .option("--versions <list>", "only these versions of the tasks", list)
    .option("--methods <list>", "only these HTTP methods", (text) => list(text.toUpperCase()))
    .option("--hosts <list>", "only these hosts", list)
    .option(
      "--not-before <time>",
      "valid from this time (RFC 3339), or a span from now such as 1h",
      timeOrSpan,
    )
    .option(
      "--not-after <time>",
      "valid until this time (RFC 3339), or a span from now such as 90d",
      timeOrSpan,
    );
  for (const option of secretOptions()) command.addOption(option);
  withStoreOptions(command).addOption(dryRunOption());
  return command.action(create);
}

function list(text: string): string[] {
  return text.split(",").map((each) => each.trim());
}

async function create(id: string, options: CreateOptions): Promise<void> {
  const store = await openStore(options);
  const tenant = chooseTenant(store, options.tenant);
  const name = tenant.metadata.name;
  if (tenant.spec.credentials.some((each) => each.id === id))
    throw new Error(
      `Tenant ${name} has a credential ${id} already: choose another id, or modelgate credentials rotate ${id}`,
    );
  const made = await prove(tenant, id, options);
  const { proof, secret } = made;
  const { type } = options;
  const credential = { id, ...(type !== "apiKey" && { type }), ...proof, ...narrowing(options) };
  const changes = [{ append: credential, to: ["spec", "credentials"] }];
  const place = store.placeOf(name);
  if (options.dryRun !== "none") {
    await store.change(name, changes, options.dryRun);
    console.error(
      `credential ${id} would go to Tenant ${name} in ${place} (dry run; its key would be another):`,
    );
    process.stdout.write(stringify(credential, { aliasDuplicateObjects: false }));
    return;
  }
  if (store.client && secret) {
    await store.change(name, changes, "server");
    await storeSecret(store.client, secret);
  }
  await store.change(name, changes, "none");
  console.error(`credential ${id} added to Tenant ${name} in ${place}`);
  if ("key" in made)
    showKey(made, { tenant: name, ...credential }, store.client !== undefined, options.output);
  await updateGateway(store, tenant);
}

type Proof = NewKey | { proof: Record<string, unknown>; secret?: undefined };

async function prove(tenant: Tenant, id: string, options: CreateOptions): Promise<Proof> {
  const { type, issuer, subject, certificate } = options;
  if (type === "apiKey" || type === "hmac") return newKey(tenant, id, type, options);
  if (type === "token") {
    if (issuer === undefined) throw new Error("name the issuer of the tokens with --issuer");
    return { proof: { issuer, ...(subject !== undefined && { subject }) } };
  }
  if ((certificate === undefined) === (subject === undefined))
    throw new Error("name the certificate with --subject or --certificate (one of them)");
  if (certificate === undefined) return { proof: { subject } };
  const text = await readFile(certificate);
  try {
    return { proof: { sha256: sha256Hex(new X509Certificate(text).raw) } };
  } catch {
    throw new Error(`${certificate}: is no certificate`);
  }
}

function narrowing({ tasks, versions, methods, hosts, notBefore, notAfter }: CreateOptions): object {
  const named = tasks ?? (versions ? ["*"] : undefined);
  return {
    ...(named && { tasks: named.map((task) => ({ task, ...(versions && { versions }) })) }),
    ...(methods && { methods }),
    ...(hosts && { hosts }),
    ...(notBefore !== undefined && { notBefore }),
    ...(notAfter !== undefined && { notAfter }),
  };
}
