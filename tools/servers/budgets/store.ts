import { issueMessage } from "../../api/issue-message.ts";
import { type BudgetState, budgetState } from "./state.ts";

/** A tenant's budgets as they are stored. */
export interface Stored {
  state: BudgetState;
  /** Changes with each commit. */
  revision: string;
}

/** Keeps the budgets of tenants: what is committed outlives the process, the machine and the leader. */
export interface BudgetStore {
  /** For messages: what it is, and where. */
  readonly name: string;
  /** @returns undefined when nothing is stored. @throws Error when it can't be read, or is no such state */
  load(tenant: string): Promise<Stored | undefined>;
  /**
   * Stores a state in place of the one of a revision.
   * @param revision undefined: there is none
   * @returns the new revision; then the state is durable
   * @throws BudgetConflict when another was stored since; another Error when it is not known whether it is
   *   stored
   */
  commit(tenant: string, state: BudgetState, revision: string | undefined): Promise<string>;
  close(): Promise<void>;
}

/** Somebody else stored a state since the one that this was made from. */
export class BudgetConflict extends Error {
  constructor(tenant: string) {
    super(`the budgets of Tenant ${tenant} were changed by somebody else`);
  }
}

/**
 * A state from its JSON.
 * @param place where it is stored, for the message
 * @throws Error that names place and field
 */
export function parseState(text: string, place: string): BudgetState {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(
      `${place}: the budgets there are not JSON; bring a backup back, or move it away to begin anew`,
    );
  }
  const parsed = budgetState.safeParse(value, { error: issueMessage, reportInput: true });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`${place}: ${issue?.path.join(".")}: ${issue?.message}`);
}
