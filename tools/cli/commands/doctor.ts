import { Command, Option } from "commander";
import { examine } from "../../cluster/doctor/doctor.ts";
import { type ConnectOptions, connect, connectOptions } from "../../lib/kubernetes/connect.ts";
import { table } from "../../lib/terminal/table.ts";
import { plainHttpOption, type RegistryCommandOptions, registryOptions } from "../options/registry.ts";

interface DoctorOptions extends ConnectOptions, RegistryCommandOptions {
  image?: string;
  output?: "json";
}

/** Exit code 1 when something failed; warnings and what could not be looked at leave it 0. */
export function doctorCommand(): Command {
  const command = new Command("doctor")
    .description("Check that a cluster has what Modelgate needs. Exit codes: 0 yes, 1 no")
    .option("--image <reference>", "also get this filter from its registry: oci://host/name@sha256:...")
    .addOption(plainHttpOption())
    .addOption(new Option("-o, --output <format>", "output format").choices(["json"]));
  for (const option of connectOptions()) command.addOption(option);
  return command.action(async (options: DoctorOptions) => {
    const findings = await examine(await connect(options), options.image, registryOptions(options));
    const rows = findings.map(({ check, state, says }) => [check, state, says]);
    process.stdout.write(
      options.output === "json"
        ? `${JSON.stringify({ findings }, null, 2)}\n`
        : table(["check", "state", "what was found"], rows),
    );
    if (findings.some(({ state }) => state === "failed")) process.exitCode = 1;
  });
}
