import { z } from "zod";
import { HttpError } from "../../http/http.ts";
import type { Event } from "./events.ts";

/**
 * What Alertmanager sends to a webhook, as far as it is read:
 * https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
 */
const Notification = z.object({
  version: z.literal("4"),
  alerts: z
    .array(
      z.object({
        status: z.enum(["firing", "resolved"]),
        labels: z.record(z.string(), z.string()),
        annotations: z.record(z.string(), z.string()).default({}),
        startsAt: z.iso.datetime({ offset: true }),
        endsAt: z.iso.datetime({ offset: true }).optional(),
      }),
    )
    .max(1_000),
});

/** The events of a notification: that an alert fires, or that it is over. @throws HttpError 400 */
export function parseAlerts(body: Buffer): Event[] {
  let json: unknown;
  try {
    json = JSON.parse(body.toString("utf8"));
  } catch (error) {
    throw new HttpError(400, "bad_alert", `the body is no JSON: ${(error as Error).message}`);
  }
  const { success, data, error } = Notification.safeParse(json);
  if (!success) throw new HttpError(400, "bad_alert", z.prettifyError(error));
  return data.alerts.map(({ status, labels, annotations, startsAt, endsAt }) => {
    const isOver = status === "resolved";
    const text = annotations.summary ?? annotations.description ?? "";
    const { alertname = "", tenant = "", taskid = "", version = "", gateway = "" } = labels;
    return {
      time: isOver ? (endsAt ?? startsAt) : startsAt,
      type: "alert",
      reason: alertname,
      message: `${isOver ? "over: " : ""}${text}`.slice(0, 1_024),
      ...{ tenant, taskid, version, gateway, source: "Alertmanager" },
    };
  });
}
