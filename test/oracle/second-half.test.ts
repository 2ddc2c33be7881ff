import { it } from "vitest";
import { checkAgreement } from "../support/schema-and-filter.ts";

it("schema and filter agree on 50,000 cases", () => {
  console.log(checkAgreement(50_000));
});
