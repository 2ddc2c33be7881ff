/** An account of a budget, in tokens or millionths of a currency. */
export interface Budget {
  tenant: string;
  budget: string;
  limit: number;
  spent: number;
  used_percent: number;
}

const KEPT_MS = 5_000;
const TIMEOUT_MS = 2_000;
const SAMPLE = /^modelgate_budget_(limit|spent|used_percent)\{([^}]*)\} (\S+)$/gm;

/** Budgets as controllers tell Prometheus of them: the leader alone knows, so each is asked. */
export class BudgetSource {
  private readonly urls: readonly string[];
  private kept: { at: number; budgets: Promise<Budget[]> } | undefined;

  /** @param urls of controllers, without the path /metrics */
  constructor(urls: readonly string[]) {
    this.urls = urls.map((url) => `${url.replace(/\/$/, "")}/metrics`);
  }

  /** What controllers that answer tell, of these tenants or of all. At most a few seconds old. */
  async read(tenants?: readonly string[]): Promise<Budget[]> {
    if (this.kept === undefined || Date.now() - this.kept.at > KEPT_MS)
      this.kept = { at: Date.now(), budgets: this.ask() };
    const budgets = await this.kept.budgets;
    return budgets.filter(({ tenant }) => tenants?.includes(tenant) ?? true);
  }

  private async ask(): Promise<Budget[]> {
    const texts = await Promise.all(this.urls.map((url) => metricsAt(url)));
    return budgetsOf(texts.join("\n"));
  }
}

async function metricsAt(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(() => undefined);
  return response?.ok ? response.text() : "";
}

function budgetsOf(text: string): Budget[] {
  const budgets = new Map<string, Budget>();
  for (const [, name = "", labels = "", value] of text.matchAll(SAMPLE)) {
    const { tenant = "", budget = "" } = labelsOf(labels);
    const key = JSON.stringify([tenant, budget]);
    const found = budgets.get(key) ?? { tenant, budget, limit: 0, spent: 0, used_percent: 0 };
    budgets.set(key, { ...found, [name]: Number(value) });
  }
  return [...budgets.values()];
}

function labelsOf(text: string): Record<string, string> {
  const labels = [...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
  return Object.fromEntries(
    labels.map(([, name, value = ""]) => [name, value.replace(/\\(.)/g, (_, c) => (c === "n" ? "\n" : c))]),
  );
}
