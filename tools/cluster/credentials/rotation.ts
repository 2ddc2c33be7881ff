import type { Credential } from "../../api/credential.ts";
import type { Tenant } from "../../api/tenant.ts";
import { rfc3339 } from "./time.ts";

/** The old key works through the grace, unless it ends sooner anyway. */
export function endOfOld({ notAfter }: Pick<Credential, "notAfter">, graceMs: number, now: number): string {
  const ends = now + graceMs;
  return notAfter !== undefined && Date.parse(notAfter) < ends ? notAfter : rfc3339(ends);
}

/** `a` -> `a-2`, `a-2` -> `a-3`; numbers that are taken are passed over. */
export function nextId({ spec }: Tenant, id: string): string {
  const [, base = id, number] = /^(.+)-(\d{1,9})$/.exec(id) ?? [];
  const taken = new Set(spec.credentials.map((each) => each.id));
  let next = number === undefined ? 2 : Number(number) + 1;
  while (taken.has(`${base}-${next}`)) next++;
  return `${base}-${next}`;
}
