import { existsSync } from "node:fs";
import { chown, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Document, parseAllDocuments } from "yaml";
import { apply, rolledOut } from "./cluster.ts";
import { nodeFolder } from "./control.ts";
import { installIstio } from "./istio.ts";
import { untilServed } from "./requests.ts";
import { type Outcome, Tutorial } from "./tutorial.ts";
import { hostVolume, modelServer } from "./workloads.ts";

const COLLECTOR_USER = 10_001;
export const SYSTEM = "modelgate-system";
/** Of task 667, in all pods of the gateway. */
export const REQUESTS_PER_SECOND = 6;
/** That one of its pods may have. */
export const GATEWAY_MEMORY_MIB = 512;
const MODELS = ["666-v1", "667-v1", "667-v2"].map((name) => `deployment/service-${name}`);

const folder = () => join(nodeFolder(), "story");
const record = () => join(folder(), "served.json");

/** The tenant of docs/start/cluster.md, once its gateway serves. */
export interface SearchTenant {
  tutorial: Tutorial;
  /** May ask for both tasks. */
  key: string;
  /** By digest. */
  filter: string;
}

export const openTutorial = () => Tutorial.open(folder());
export const prepareIstio = () => installIstio(folder());

export const pushFilter = (tutorial: Tutorial) => tutorial.runTo("modelgate push");

/** Up to pods of controller and collector that are ready. */
export async function installModelgate(tutorial: Tutorial): Promise<Outcome> {
  const volume = join(folder(), "collector");
  await mkdir(volume);
  await chown(volume, COLLECTOR_USER, COLLECTOR_USER);
  await apply(hostVolume(volume));
  const outcome = await tutorial.runTo("modelgate install");
  for (const workload of ["deployment/modelgate-controller", "statefulset/modelgate-collector"])
    await rolledOut(SYSTEM, workload);
  return outcome;
}

/** Changes a file of the tenant. */
export async function edit(file: string, change: (document: Document.Parsed) => void): Promise<void> {
  const path = join(folder(), "my-tenant", file);
  const documents = parseAllDocuments(await readFile(path, "utf8")) as Document.Parsed[];
  for (const document of documents) change(document);
  await writeFile(path, documents.join("---\n"));
}

/** What the example needs to fit this node, and to be limited and logged. @returns its new key */
export async function describeTenant(tutorial: Tutorial): Promise<string> {
  await tutorial.runTo("cp ");
  await edit("tenant.yaml", (document) => {
    const deployment = ["spec", "gateway", "deployment"];
    document.setIn([...deployment, "requests"], { cpu: "50m", memory: "128Mi" });
    document.setIn([...deployment, "limits"], { memory: `${GATEWAY_MEMORY_MIB}Mi` });
    document.setIn(["spec", "gateway", "tuning", "accessLog", "collector"], {});
  });
  await edit("tasks.yaml", (document) => {
    if (document.getIn(["spec", "taskid"]) === "667")
      document.setIn(["spec", "limits", "requestsPerSecond"], REQUESTS_PER_SECOND);
  });
  const { code, stdout, stderr } = await tutorial.runTo("modelgate credentials create");
  if (code !== 0) throw new Error(stderr);
  return stdout.trim().split(/\s+/).at(-1) ?? "";
}

/** Model servers and all that is left of the page. @returns what `apply` printed */
export async function applyTenant(tutorial: Tutorial): Promise<Outcome> {
  await apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "search" } });
  await apply(...modelServer("search", "service-666"));
  for (const version of ["v1", "v2"]) await apply(...modelServer("search", "service-667", { version }));
  await tutorial.runTo("modelgate diff");
  const outcome = await tutorial.runTo("modelgate apply");
  for (const model of MODELS) await rolledOut("search", model);
  return outcome;
}

/** Waits until the tenant is served, and leaves it to the test files that come after. */
export async function keepServed(tutorial: Tutorial, key: string): Promise<SearchTenant> {
  await untilServed(key);
  await writeFile(record(), JSON.stringify({ key, filter: tutorial.filter }));
  return { tutorial, key, filter: tutorial.filter };
}

/** The tenant as an earlier test file left it, or all that the page says up to there. */
export async function searchTenant(): Promise<SearchTenant> {
  if (existsSync(record())) {
    const kept: { key: string; filter: string } = JSON.parse(await readFile(record(), "utf8"));
    await untilServed(kept.key);
    return { ...kept, tutorial: await Tutorial.open(folder(), kept.filter) };
  }
  const tutorial = await openTutorial();
  await prepareIstio();
  await pushFilter(tutorial);
  await installModelgate(tutorial);
  const key = await describeTenant(tutorial);
  const { code, stderr } = await applyTenant(tutorial);
  if (code !== 0) throw new Error(stderr);
  return keepServed(tutorial, key);
}
