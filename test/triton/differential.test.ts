import { beforeAll, describe, expect, inject, it } from "vitest";
import { CASES } from "./cases.ts";
import { isClientCase } from "./clients.ts";
import { type Observation, observe } from "./observe.ts";
import { CREDENTIALS } from "./stack.ts";
import { allowed, differences, needless } from "./table.ts";

const { http, gateway } = inject("stack");
const answers: { triton: Observation[]; gateway: Observation[] } = { triton: [], gateway: [] };

// First all to one, then all to the other: the sequences of a model are one server's.
beforeAll(async () => {
  for (const each of CASES) answers.triton.push(await observe(http, each));
  for (const each of CASES) answers.gateway.push(await observe(gateway, each, CREDENTIALS));
});

describe("the same request to Triton's REST and through the gateway", () => {
  it.each(CASES.map(({ name }, index) => ({ name, index })))("$name", ({ name, index }) => {
    const [triton, through] = [answers.triton[index], answers.gateway[index]];
    if (!triton || !through) throw new Error("not asked");
    expect(differences(name, triton, through)).toEqual(allowed(name));
  });

  it("differs only in what the table says, each with a reason", () => {
    const names = CASES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(needless(names, (name) => !isClientCase(name))).toEqual([]);
  });
});
