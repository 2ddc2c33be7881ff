import { it } from "vitest";
import { checkEachField } from "../support/schema-and-filter.ts";

it("schema and filter agree on each mistake in each field", () => {
  console.log(checkEachField(200));
});
