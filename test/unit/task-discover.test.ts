import { expect, it } from "vitest";
import { convertible } from "../../tools/serving/model-client/signatures.ts";

const x = { name: "x", dtype: "DT_FLOAT" };
const odd = { name: "state", dtype: "DT_RESOURCE" };

it("leaves out signatures that can't be converted, and says so", () => {
  const signatures = [
    { name: "serving_default", inputs: [x], outputs: [x, odd] },
    { name: "train", inputs: [x, odd], outputs: [x] },
  ];
  expect(convertible(signatures)).toEqual({
    converted: [{ name: "serving_default", inputs: [x], outputs: [x] }],
    leftOut: ["signature train is left out: input state is of type DT_RESOURCE"],
  });
});
