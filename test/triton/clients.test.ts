import { beforeAll, describe, expect, inject, it } from "vitest";
import { type Answers, ask, CLIENTS, isClientCase } from "./clients.ts";
import { CREDENTIALS } from "./stack.ts";
import { allowed, differences, needless } from "./table.ts";

const { python, http, grpc, gateway } = inject("stack");
let direct: Answers;
let through: Answers;

beforeAll(async () => {
  direct = await ask(python, http, grpc, {});
  through = await ask(python, gateway, gateway, CREDENTIALS);
});

describe("unchanged, a client gets from the gateway what it gets from Triton", () => {
  it.each(CLIENTS)("%s", (client) => {
    expect(Object.keys(direct[client] ?? {}).length).toBeGreaterThan(1);
    expect(differences(client, direct[client] ?? {}, through[client] ?? {})).toEqual(allowed(client));
  });

  it("differs only in what the table says, each with a reason", () => {
    expect(needless(CLIENTS, isClientCase)).toEqual([]);
  });
});
