import { commandBill } from "./sbom.ts";

process.stdout.write((await commandBill()).bytes);
