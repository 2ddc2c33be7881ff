import { type Mutant, mutants } from "../mutant.ts";

const LEDGER = "tools/servers/budgets/ledger.ts";
const LEASES = "test/unit/budgets/ledger.test.ts: leases";
const ACCOUNTS = "test/unit/budgets/ledger.test.ts: accounts";

export const BUDGETS: Mutant[] = [
  ...mutants("spends or closes what another gateway, or another tenant's, has in hand of a budget", LEDGER, [
    [`${LEASES} are nobody else's`, "lease === undefined || lease.holder !== holder", "lease === undefined"],
  ]),
  ...mutants("makes the controller keep accounts without end", LEDGER, [
    [`${ACCOUNTS} daily/carol is none`, " || listed?.includes(of) === false ? undefined", " ? undefined"],
    [`${ACCOUNTS} daily/ is none of a budget for any`, 'of === "" || ', ""],
    [`${ACCOUNTS} daily/x`, "of.length > 128 || ", ""],
  ]),
  ...mutants("restarts gateways, or the controller, so that spend is forgotten", LEDGER, [
    [
      `${LEASES} of a gateway that is gone count as spent`,
      "if (isOpen(lease)) account.unknown += outstanding(lease);",
      "",
    ],
    [
      `${LEASES} that were overspent are counted in full`,
      "lease.spent = Math.max(lease.spent, spent);",
      "lease.spent = Math.min(Math.max(lease.spent, spent), lease.granted);",
    ],
  ]),
];
