import { type Mutant, mutants } from "../mutant.ts";

const TESTS = "test/host/token-limits.test.ts:";
const RESERVED = `${TESTS} what a call may take is reserved before the model gets it`;
const SPENDING = "filters/rate-limit/tokens/spending.ts";
const AT_ONCE = "sends calls at once of which a limit on tokens has room for one";
const SPENT = "calls while a budget is spent, or before the gateway has a lease of it";

/** Tokens of language models, and the budgets that they are paid from. */
export const TOKENS_SPENT: Mutant[] = [
  ...mutants(AT_ONCE, SPENDING, [
    [
      `${RESERVED} so that calls that come at once`,
      "task.take(tokens, kept, largest)",
      "task.take(0, kept, largest)",
    ],
    [
      `${TESTS} limits of task and tenant hold together and a refused call takes of neither`,
      "if (tenant != null && tenant.active) tenant.settle(tokens);\n    return missed",
      "return missed",
    ],
  ]),
  ...mutants(AT_ONCE, "filters/rate-limit/tokens/token-task.ts", [
    [`${RESERVED} {"max_tokens":50,"n":2}`, "return <f64>facts.answers * most;", "return most;"],
  ]),
  ...mutants(
    "hangs up before the usage comes, so that nobody counts what it got",
    "filters/rate-limit/tokens/token-call.ts",
    [
      [
        `${TESTS} what the answer took is settled by what came of a stream`,
        "return task.inputOf(this.facts) + <f64>this.delivered * task.weights.output;",
        "return 0;",
      ],
    ],
  ),
  ...mutants("takes a longer answer than a hard limit on tokens has room for", SPENDING, [
    [
      `${TESTS} a stream that is over a hard limit ends as one`,
      "if (!task.take(cost - call.ofTask, 0, 0)) return this.end(task);",
      "task.take(cost - call.ofTask, 0, 0);",
    ],
  ]),
  ...mutants(
    "has a model say what looks like the usage that the gateway asked for, so that it is kept back",
    "filters/model-protocol/event-members.ts",
    [
      [
        `${TESTS} the usage of a stream whose caller did not ask for it passes where the server has it beside`,
        "return load<u8>(skipSpace(choices.value + 1, choices.end)) == Char.CLOSE_BRACKET;",
        "return true;",
      ],
    ],
  ),
  ...mutants(SPENT, SPENDING, [
    [`${TESTS} a budget is spent from by what calls take`, "if (unpaid != null) return unpaid;", ""],
  ]),
];
