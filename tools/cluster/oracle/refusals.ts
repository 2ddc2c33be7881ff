/** What the filter has against a plug-in configuration. */
export interface Refusal {
  /**
   * From the configuration's root, such as `["tenantAuth", "issuers", 0, "jwks"]`; empty when the filter
   * names no field.
   */
  path: PropertyKey[];
  message: string;
}

/** How the filter's log line begins; the faults follow. */
export const REFUSED = "plug-in configuration refused: ";

/** Each fault begins with the path of its field; what it quotes of the configuration is no path. */
const FIELD =
  /(?:^|; )((?:tenantAuth|rateLimit|protocolConversion|accessLog|filtersBehind)(?:\.[A-Za-z0-9]+|\[\d+\])*): /g;

/** Reads what the filter logs: `rateLimit.tasks[0].burst: must be ...; tenantAuth.mode: must be ...` */
export function parseRefusals(said: string): Refusal[] {
  const fields = [...said.matchAll(FIELD)];
  if (fields.length === 0) return [{ path: [], message: said }];
  return fields.map((field, index) => ({
    path: pathOf(field[1] ?? ""),
    message: said.slice(field.index + field[0].length, fields[index + 1]?.index),
  }));
}

function pathOf(text: string): PropertyKey[] {
  return [...text.matchAll(/[A-Za-z0-9]+/g)].map(([part]) => (/^\d+$/.test(part) ? Number(part) : part));
}
