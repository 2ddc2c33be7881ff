import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { FOLDER } from "../../tools/dashboards/files.ts";

export interface Expression {
  /** Where it stands. */
  name: string;
  expr: string;
}

/** The PromQL of the alert rules. */
export function ruleExpressions(): Expression[] {
  const { groups } = parse(readFileSync(fileURLToPath(new URL("modelgate.rules.yaml", FOLDER)), "utf8")) as {
    groups: { rules: { alert?: string; record?: string; expr: string }[] }[];
  };
  return groups.flatMap(({ rules }) =>
    rules.map(({ alert, record, expr }) => ({ name: (alert ?? record) as string, expr })),
  );
}

/**
 * The PromQL of the dashboards, with values in place of Grafana's variables.
 * @param chosen what the dashboard's own variables, which stand in matchers, are
 */
export function panelExpressions(files: Map<string, string>, chosen?: string): Expression[] {
  return [...files].flatMap(([path, text]) => {
    if (!path.endsWith(".json")) return [];
    const { panels } = JSON.parse(text) as { panels: { title: string; targets?: { expr?: string }[] }[] };
    return panels.flatMap(({ title, targets = [] }) =>
      targets.flatMap(({ expr }) =>
        expr === undefined ? [] : [{ name: `${path} ${title}`, expr: withValues(expr, chosen) }],
      ),
    );
  });
}

function withValues(expr: string, chosen?: string): string {
  const timed = expr.replaceAll("$__rate_interval", "5m");
  return chosen === undefined
    ? timed
    : timed.replaceAll(/="\$\w+"/g, `=~"${chosen}"`).replaceAll(/=~"\$\w+"/g, `=~"${chosen}"`);
}
