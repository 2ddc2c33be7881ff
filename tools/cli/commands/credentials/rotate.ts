import { Command } from "commander";
import type { Change } from "../../../api/change.ts";
import type { Credential } from "../../../api/credential.ts";
import type { Tenant } from "../../../api/tenant.ts";
import { findCredential } from "../../../cluster/credentials/find.ts";
import { updateGateway } from "../../../cluster/credentials/gateway.ts";
import {
  newKey,
  type SecretOptions,
  secretOptions,
  showKey,
  storeSecret,
} from "../../../cluster/credentials/new-key.ts";
import { endOfOld, nextId } from "../../../cluster/credentials/rotation.ts";
import { stateOf } from "../../../cluster/credentials/state.ts";
import {
  chooseTenant,
  type DryRun,
  openStore,
  type StoreOptions,
} from "../../../cluster/credentials/tenant-store.ts";
import { span, timeOrSpan } from "../../../cluster/credentials/time.ts";
import type { Milliseconds } from "../../../lib/units.ts";
import { dryRunOption, withStoreOptions } from "../../options/tenant-store.ts";
import { withDefault } from "../../options/units.ts";

const DEFAULT_GRACE = "7d";

interface RotateOptions extends StoreOptions, SecretOptions {
  grace: Milliseconds;
  notAfter?: string;
  dryRun: DryRun;
}

export function rotateCommand(): Command {
  const command = new Command("rotate")
    .description("Create a new key beside the old one. Both work until the grace period ends")
    .argument("<id>", "id of the credential; the new one is called <id>-2, or has the next number")
    .addOption(withDefault("--grace <span>", "how long the old key keeps working", span, DEFAULT_GRACE))
    .option(
      "--not-after <time>",
      "expiry of the new key: RFC 3339, a duration from now such as 90d, or never",
      end,
    );
  for (const option of secretOptions()) command.addOption(option);
  withStoreOptions(command).addOption(dryRunOption());
  return command.action(rotate);
}

function end(text: string): string {
  return text === "never" ? text : timeOrSpan(text);
}

async function rotate(id: string, options: RotateOptions): Promise<void> {
  const store = await openStore(options);
  const tenant = chooseTenant(store, options.tenant);
  const name = tenant.metadata.name;
  const { credential, path } = findCredential(tenant, id);
  const now = Date.now();
  const notAfter = endOfNew(tenant, credential, options.notAfter, now);
  const type = credential.type as "apiKey" | "hmac";
  const next = nextId(tenant, id);
  const made = newKey(tenant, next, type, options);
  const ends = endOfOld(credential, options.grace, now);
  const { tasks, methods, hosts, priority } = credential;
  const added = {
    id: next,
    ...(type === "hmac" && { type }),
    ...made.proof,
    ...(tasks && { tasks }),
    ...(methods && { methods }),
    ...(hosts && { hosts }),
    ...(priority !== undefined && { priority }),
    ...(notAfter !== undefined && { notAfter }),
  };
  const changes: Change[] = [
    { set: ends, field: "notAfter", of: path },
    { append: added, to: ["spec", "credentials"] },
  ];
  const summary = `${next} takes the place of ${id}, which works until ${ends}`;
  if (options.dryRun !== "none") {
    await store.change(name, changes, options.dryRun);
    console.error(`${summary} (dry run)`);
    return;
  }
  if (store.client && made.secret) {
    await store.change(name, changes, "server");
    await storeSecret(store.client, made.secret);
  }
  await store.change(name, changes, "none");
  console.error(`Tenant ${name}: ${summary}`);
  showKey(made, { tenant: name, ...added }, store.client !== undefined, options.output);
  await updateGateway(store, tenant);
}

/** @returns undefined when the new key never ends. @throws Error for a credential that can't be rotated */
function endOfNew(
  tenant: Tenant,
  credential: Credential,
  asked: string | undefined,
  now: number,
): string | undefined {
  const { id, type, notAfter } = credential;
  if (type !== "apiKey" && type !== "hmac")
    throw new Error(
      `${id} is of type ${type}: its ${type === "token" ? "issuer" : "authority"} renews it, nothing here changes`,
    );
  const state = stateOf(tenant, credential, now);
  if (state !== "active")
    throw new Error(`${id} is ${state}: make a new one with modelgate credentials create`);
  if (asked === undefined && notAfter !== undefined)
    throw new Error(`${id} ends at ${notAfter}: say when the new key does, with --not-after 90d (or never)`);
  return asked === "never" ? undefined : asked;
}
