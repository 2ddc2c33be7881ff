import { beforeEach, expect, it, vi } from "vitest";
import { byKind, type Resources } from "../../tools/api/cross-check.ts";
import { formatFault } from "../../tools/api/fault.ts";
import { parseResources } from "../../tools/api/load.ts";
import { Filter } from "../../tools/cluster/oracle/filter.ts";
import { FilterAnswers } from "../../tools/cluster/oracle/filter-answers.ts";
import { filterFaults } from "../../tools/cluster/oracle/filter-faults.ts";

const apiVersion = "modelgate.dev/v1alpha1";
const tenant = {
  apiVersion,
  kind: "Tenant",
  metadata: { name: "search" },
  spec: {
    namespaces: ["search"],
    gateway: { name: "gateway", namespace: "search", hosts: ["*.search.example"] },
  },
};
const task = (name: string, spec: object = {}) => ({
  apiVersion,
  kind: "ModelTask",
  metadata: { name, namespace: "search" },
  spec: { taskid: name, tenant: "search", service: { name: "model" }, ...spec },
});
/** Half of a surrogate pair: the filter can read none of the configuration. */
const unreadable = { conversion: { raw: { name: "\ud800", datatype: "FP32", shape: [1] } } };

const loaded = (...objects: object[]): Resources =>
  byKind(
    parseResources([{ file: "a.json", text: JSON.stringify({ kind: "List", items: objects }) }]).resources,
  );
const asked = vi.spyOn(Filter.prototype, "refusals");
/** Ids of the tasks that the filter was asked about, question by question. */
const questions = () =>
  asked.mock.calls.map(([configuration]) =>
    (configuration as { protocolConversion: { tasks: { taskid: string }[] } }).protocolConversion.tasks.map(
      ({ taskid }) => taskid,
    ),
  );
beforeEach(() => {
  asked.mockClear();
});

it("asks about what changed alone", () => {
  const answers = new FilterAnswers();
  const { tenants, tasks } = loaded(tenant, task("a"), task("b"));
  expect(answers.faults({ tenants, tasks })).toEqual([]);
  expect(answers.faults({ tenants, tasks })).toEqual([]);
  expect(questions()).toEqual([["a", "b"]]);
  const [changed] = loaded(task("b", { limits: { requestsPerSecond: 1 } })).tasks;
  if (!changed || !tasks[0]) throw new Error("no task");
  answers.faults({ tenants, tasks: [tasks[0], changed] });
  expect(questions()).toEqual([["a", "b"], ["b"]]);
  const fresh = loaded(tenant).tenants;
  answers.faults({ tenants: fresh, tasks });
  expect(questions().at(-1)).toEqual(["a", "b"]);
});

it("says what the filter says without it, and asks once about a task at fault", () => {
  const answers = new FilterAnswers();
  const { tenants, tasks } = loaded(
    tenant,
    task("a"),
    task("b", unreadable),
    task("c"),
    task("d", unreadable),
  );
  const say = (some = tasks) => answers.faults({ tenants, tasks: some }).map(formatFault);
  expect(say()).toEqual(filterFaults({ tenants, tasks }).map(formatFault));
  // One hides the other.
  expect(say(tasks.filter(({ resource }) => resource.metadata.name !== "b"))).toEqual([
    expect.stringContaining("ModelTask/d: spec: the filter refuses the configuration"),
  ]);
  const count = questions().length;
  expect(say()).toEqual([expect.stringContaining("ModelTask/b"), expect.stringContaining("ModelTask/d")]);
  // The two good ones, and no more.
  expect(questions().slice(count)).toEqual([["a", "c"]]);
  expect(say()).toHaveLength(2);
  expect(questions()).toHaveLength(count + 1);
});
