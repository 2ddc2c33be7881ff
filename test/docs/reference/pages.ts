import { cliPage } from "./cli.ts";
import { hostCallsPage } from "./host-calls.ts";
import { logFieldsPage } from "./log-fields.ts";
import { metricsPage } from "./metrics.ts";
import { pluginConfigurationPage } from "./plugin-configuration.ts";
import { reasonsPage, troubleshootingPage } from "./reason-pages.ts";
import { resourcePage } from "./resources.ts";

/** The generated pages: their texts by their paths in the project. */
export async function referencePages(): Promise<Map<string, string>> {
  return new Map([
    ["docs/reference/cli.md", await cliPage()],
    ["docs/reference/tenant.md", resourcePage("Tenant")],
    ["docs/reference/model-task.md", resourcePage("ModelTask")],
    ["docs/reference/plugin-configuration.md", pluginConfigurationPage()],
    ["docs/reference/log-fields.md", logFieldsPage()],
    ["docs/reference/metrics.md", await metricsPage()],
    ["docs/reference/host-calls.md", hostCallsPage()],
    ["docs/reference/reasons.md", reasonsPage()],
    ["docs/operate/troubleshooting.md", troubleshootingPage()],
  ]);
}
