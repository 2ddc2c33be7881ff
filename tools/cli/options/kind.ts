import { Argument, InvalidArgumentError } from "commander";

export type Kinds = "tenants" | "modeltasks";

/** Takes `tenant` and `modeltask` as well, as kubectl does. */
export function kindArgument(description: string): Argument {
  const kinds = ["tenants", "modeltasks"];
  return new Argument("<kind>", description).choices(kinds).argParser((text) => {
    const plural = text.toLowerCase().replace(/s?$/, "s");
    if (kinds.includes(plural)) return plural;
    throw new InvalidArgumentError(`It is one of ${kinds.join(", ")}.`);
  });
}
