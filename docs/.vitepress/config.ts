import { defineConfig } from "vitepress";

const section = (text: string, folder: string, pages: [title: string, page: string][]) => ({
  text,
  collapsed: false,
  items: pages.map(([title, page]) => ({ text: title, link: `/docs/${folder}/${page}` })),
});

/** The site of all Markdown files of the project, those beside the code too: their links are the same here as in the repository. */
export default defineConfig({
  title: "Modelgate",
  description: "Envoy WebAssembly filters for model-serving gateways, and the tooling that ships them",
  srcDir: "..",
  // Else every config.ts of the project is taken for one of the site's.
  additionalConfig: {},
  srcExclude: ["node_modules/**", "build/**", "test/**", "filters/*/template/**", "**/.*/**"],
  // The README is the home page. All other pages keep their folders, so that their links are the same in the repository.
  rewrites: { "README.md": "index.md" },
  outDir: "../build/docs",
  cacheDir: "../.cache/vitepress",
  cleanUrls: true,
  lastUpdated: false,
  markdown: { lineNumbers: false },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      { text: "Start", link: "/docs/start/local" },
      { text: "Concepts", link: "/docs/concepts/" },
      { text: "Operate", link: "/docs/operate/" },
      { text: "Reference", link: "/docs/reference/" },
      { text: "Develop", link: "/docs/develop/" },
      { text: "Measurements", link: "/docs/measurements/" },
    ],
    sidebar: [
      section("Start", "start", [
        ["On this machine", "local"],
        ["A language model", "language-model"],
        ["In a cluster", "cluster"],
        ["Your first converter", "converter"],
      ]),
      section("Concepts", "concepts", [
        ["Overview", ""],
        ["Tenant", "tenant"],
        ["ModelTask", "model-task"],
        ["Gateway", "gateway"],
        ["Routing", "routing"],
        ["Language models", "language-models"],
        ["Limits", "limits"],
        ["How requests end", "outcomes"],
        ["Digests", "digests"],
        ["Glossary", "glossary"],
      ]),
      section("Operate", "operate", [
        ["Overview", ""],
        ["Install", "install"],
        ["Upgrade", "upgrade"],
        ["Rollout", "rollout"],
        ["Credentials", "credentials"],
        ["Model servers", "model-servers"],
        ["Budgets", "budgets"],
        ["Monitoring", "monitoring"],
        ["Faults", "faults"],
        ["Troubleshooting by reason", "troubleshooting"],
        ["Threat model", "threat-model"],
      ]),
      section("Reference", "reference", [
        ["Overview", ""],
        ["Command line", "cli"],
        ["Tenant", "tenant"],
        ["ModelTask", "model-task"],
        ["Plug-in configuration", "plugin-configuration"],
        ["Log fields", "log-fields"],
        ["Reasons", "reasons"],
        ["Host calls", "host-calls"],
        ["Metrics", "metrics"],
        ["Messages of validate", "validate-messages"],
      ]),
      section("Develop", "develop", [
        ["Overview", ""],
        ["SDK", "sdk"],
        ["Add a stage", "add-a-stage"],
        ["Style", "style"],
        ["Testing", "testing"],
      ]),
      section("Measurements", "measurements", [
        ["Overview", ""],
        ["The whole chain", "bench"],
        ["Faults", "faults"],
        ["Neighbours", "neighbours"],
        ["Soak", "soak"],
        ["Fuzzing", "fuzzing"],
        ["In real pods", "node"],
      ]),
    ],
  },
});
