/** Other cases each time; `npm run test:oracle` draws 100,000. */
import { it } from "vitest";
import { checkAgreement } from "../support/schema-and-filter.ts";

it("schema and filter agree on any resources, and on any with a mistake", () => {
  checkAgreement(300);
});
