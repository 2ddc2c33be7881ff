import { Command } from "commander";
import { examine } from "../../cluster/doctor/doctor.ts";
import { type ConnectOptions, connect, connectOptions } from "../../lib/kubernetes/connect.ts";
import { table } from "../../lib/terminal/table.ts";
import { plainHttpOption, type RegistryCommandOptions, registryOptions } from "../options/registry.ts";
import { answering } from "../output/answer.ts";
import { type Structured, structured, structuredOption } from "../output/structured.ts";

interface DoctorOptions extends ConnectOptions, RegistryCommandOptions {
  image?: string;
  output?: Structured;
}

/** Answers no when something failed; warnings and what could not be looked at do not count. */
export function doctorCommand(): Command {
  const command = new Command("doctor")
    .description("Check that a cluster has what Modelgate needs. Exit codes: 0 yes, 1 no, 2 error")
    .option("--image <reference>", "also get this filter from its registry: oci://host/name@sha256:...")
    .addOption(plainHttpOption())
    .addOption(structuredOption());
  for (const option of connectOptions()) command.addOption(option);
  return answering(command, async (options: DoctorOptions) => {
    const findings = await examine(await connect(options), options.image, registryOptions(options));
    const rows = findings.map(({ check, state, says }) => [check, state, says]);
    process.stdout.write(
      options.output
        ? structured({ findings }, options.output)
        : table(["check", "state", "what was found"], rows),
    );
    return !findings.some(({ state }) => state === "failed");
  });
}
