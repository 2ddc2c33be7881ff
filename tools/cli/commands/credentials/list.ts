import { Command, Option } from "commander";
import type { Credential } from "../../../api/credential.ts";
import type { Tenant } from "../../../api/tenant.ts";
import { stateOf } from "../../../cluster/credentials/state.ts";
import { chooseTenant, openStore, type StoreOptions } from "../../../cluster/credentials/tenant-store.ts";
import { table } from "../../../lib/terminal/table.ts";
import { withStoreOptions } from "../../options/tenant-store.ts";
import { type Structured, structured } from "../../output/structured.ts";

interface ListOptions extends StoreOptions {
  output?: Structured | "wide" | "name";
}

export function listCommand(): Command {
  const command = new Command("list")
    .description("List credentials and their state, without keys")
    .addOption(
      new Option("-o, --output <format>", "output format").choices(["yaml", "json", "wide", "name"]),
    );
  return withStoreOptions(command).action(list);
}

async function list(options: ListOptions): Promise<void> {
  const store = await openStore(options);
  const tenants = options.tenant
    ? [chooseTenant(store, options.tenant)]
    : store.tenants.map(({ resource }) => resource);
  const now = Date.now();
  const entries = tenants.flatMap((tenant) =>
    tenant.spec.credentials.map((credential) => entry(tenant, credential, now)),
  );
  process.stdout.write(shown(entries, options.output));
}

type Entry = ReturnType<typeof entry>;

function entry(tenant: Tenant, credential: Credential, now: number) {
  const { id, type, tasks, methods, hosts, notBefore, notAfter, reason } = credential;
  return {
    id,
    type,
    tenant: tenant.metadata.name,
    tasks: tasks ?? tenant.spec.tasks,
    ...(methods && { methods }),
    ...(hosts && { hosts }),
    ...(notBefore !== undefined && { notBefore }),
    ...(notAfter !== undefined && { notAfter }),
    state: stateOf(tenant, credential, now),
    ...(reason !== undefined && { reason }),
    proof: proofOf(credential),
  };
}

/** What proves the credential, as far as everybody may know. */
function proofOf({ sha256, secretRef, issuer, subject }: Credential): string {
  if (secretRef) return `Secret ${secretRef.name}, key ${secretRef.key}`;
  if (issuer !== undefined) return `${issuer}, subject ${subject ?? "any"}`;
  return sha256 !== undefined ? `sha256 ${sha256.slice(0, 8)}...` : (subject ?? "");
}

function shown(entries: Entry[], format: ListOptions["output"]): string {
  if (format === "name") return entries.map(({ id }) => `${id}\n`).join("");
  return format === "json" || format === "yaml"
    ? structured(entries, format)
    : asTable(entries, format === "wide");
}

function asTable(entries: Entry[], wide: boolean): string {
  const headings = ["id", "type", "tenant", "tasks", "valid until", "state"];
  const more = ["valid from", "methods", "hosts", "proof", "reason"];
  return table(
    wide ? [...headings, ...more] : headings,
    entries.map(({ id, type, tenant, tasks, methods, hosts, notBefore, notAfter, state, proof, reason }) => [
      id,
      type,
      tenant,
      tasks.map(({ task, versions }) => (versions ? `${task}=${versions.join("|")}` : task)).join(",") || "-",
      notAfter ?? "-",
      state,
      ...(wide
        ? [notBefore ?? "-", methods?.join(",") ?? "-", hosts?.join(",") ?? "-", proof, reason ?? "-"]
        : []),
    ]),
  );
}
