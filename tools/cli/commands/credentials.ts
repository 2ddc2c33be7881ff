import { Command } from "commander";
import { createCommand } from "./credentials/create.ts";
import { listCommand } from "./credentials/list.ts";
import { revokeCommand } from "./credentials/revoke.ts";
import { rotateCommand } from "./credentials/rotate.ts";
import { verifyCommand } from "./credentials/verify.ts";

export function credentialsCommand(): Command {
  return new Command("credentials")
    .description("Create, list, rotate, revoke and check the credentials of a Tenant")
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(rotateCommand())
    .addCommand(revokeCommand())
    .addCommand(verifyCommand());
}
