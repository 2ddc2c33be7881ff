import { Command } from "commander";
import type { Change } from "../../../api/change.ts";
import { revocationOfId, revocationOfToken } from "../../../api/credential-digests.ts";
import type { Tenant } from "../../../api/tenant.ts";
import { findCredential } from "../../../cluster/credentials/find.ts";
import { updateGateway } from "../../../cluster/credentials/gateway.ts";
import {
  chooseTenant,
  type DryRun,
  openStore,
  type StoreOptions,
} from "../../../cluster/credentials/tenant-store.ts";
import { dryRunOption, withStoreOptions } from "../../options/tenant-store.ts";

interface RevokeOptions extends StoreOptions {
  reason?: string;
  jti?: string;
  issuer?: string;
  dryRun: DryRun;
}

export function revokeCommand(): Command {
  const command = new Command("revoke")
    .description("Revoke a credential, or one token by its jti")
    .argument("[id]", "id of the credential")
    .option("--reason <text>", "reason, written into the Tenant")
    .option("--jti <jti>", "revoke one token, by its jti claim")
    .option("--issuer <iss>", "issuer of the token");
  withStoreOptions(command).addOption(dryRunOption());
  return command.action(revoke);
}

async function revoke(id: string | undefined, options: RevokeOptions): Promise<void> {
  const { jti, issuer, reason, dryRun } = options;
  if ((id === undefined) === (jti === undefined)) throw new Error("name a credential, or a token with --jti");
  if ((jti === undefined) !== (issuer === undefined)) throw new Error("--jti and --issuer go together");
  if (jti !== undefined && reason !== undefined)
    throw new Error("--reason is for credentials: the Tenant has no place for that of a token");
  const store = await openStore(options);
  const tenant = chooseTenant(store, options.tenant);
  const name = tenant.metadata.name;
  const [what, changes] =
    id !== undefined
      ? [`credential ${id}`, ofCredential(tenant, id, reason)]
      : [`token ${jti} of ${issuer}`, ofToken(tenant, issuer as string, jti as string)];
  if (changes.length === 0) {
    console.log(`${what} is revoked already`);
    return;
  }
  await store.change(name, changes, dryRun);
  console.log(`${what} revoked in ${store.placeOf(name)}${dryRun === "none" ? "" : " (dry run)"}`);
  if (dryRun === "none") await updateGateway(store, tenant);
}

function ofCredential(tenant: Tenant, id: string, reason: string | undefined): Change[] {
  const { credential, path } = findCredential(tenant, id);
  const { type, sha256, enabled } = credential;
  const digests = [revocationOfId(tenant.metadata.name, id)];
  if (type === "apiKey" && sha256 !== undefined) digests.push(sha256);
  return [
    ...(enabled ? [{ set: false, field: "enabled", of: path }] : []),
    ...(reason !== undefined && reason !== credential.reason
      ? [{ set: reason, field: "reason", of: path }]
      : []),
    ...added(tenant, digests),
  ];
}

function ofToken(tenant: Tenant, issuer: string, jti: string): Change[] {
  const known = tenant.spec.jwtIssuers.map((each) => each.issuer);
  if (!known.includes(issuer))
    throw new Error(
      `${issuer} is no issuer of Tenant ${tenant.metadata.name} (it has ${known.join(", ") || "none"})`,
    );
  return added(tenant, [revocationOfToken(issuer, jti)]);
}

function added({ spec }: Tenant, digests: string[]): Change[] {
  return digests
    .filter((digest) => !spec.revoked.includes(digest))
    .map((digest) => ({ append: digest, to: ["spec", "revoked"] }));
}
