import { commandBill } from "./sbom.ts";

const installedOnly = process.argv.includes("--installed");
process.stdout.write((await commandBill({ installedOnly })).bytes);
