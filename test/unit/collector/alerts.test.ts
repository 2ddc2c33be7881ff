import { expect, test } from "vitest";
import { parseAlerts } from "../../../tools/servers/collector/query/alerts.ts";

/** As Alertmanager 0.28 sends it. */
const notification = {
  receiver: "modelgate",
  status: "firing",
  alerts: [
    {
      status: "firing",
      labels: { alertname: "ModelgateLatencyHigh", severity: "warning", tenant: "search", taskid: "666" },
      annotations: { summary: "p99 of task 666 of search is 4.6s" },
      startsAt: "2026-11-25T10:00:00.123456789Z",
      endsAt: "0001-01-01T00:00:00Z",
      generatorURL: "",
      fingerprint: "c0ffee",
    },
    {
      status: "resolved",
      labels: { alertname: "ModelgateControllerDown" },
      annotations: { summary: "No controller leads" },
      startsAt: "2026-11-25T09:00:00Z",
      endsAt: "2026-11-25T09:30:00Z",
    },
  ],
  groupLabels: {},
  version: "4",
  truncatedAlerts: 0,
};

test("a notification of Alertmanager", () => {
  expect(parseAlerts(Buffer.from(JSON.stringify(notification)))).toEqual([
    {
      time: "2026-11-25T10:00:00.123456789Z",
      type: "alert",
      reason: "ModelgateLatencyHigh",
      message: "p99 of task 666 of search is 4.6s",
      ...{ tenant: "search", taskid: "666", version: "", gateway: "", source: "Alertmanager" },
    },
    {
      time: "2026-11-25T09:30:00Z",
      type: "alert",
      reason: "ModelgateControllerDown",
      message: "over: No controller leads",
      ...{ tenant: "", taskid: "", version: "", gateway: "", source: "Alertmanager" },
    },
  ]);
});

test.each([
  ["no JSON", "{", "the body is no JSON"],
  ["another version", JSON.stringify({ ...notification, version: "5" }), "version"],
  ["no alerts", JSON.stringify({ version: "4" }), "alerts"],
])("%s is refused", (_, body, message) => {
  expect(() => parseAlerts(Buffer.from(body))).toThrow(message);
});
