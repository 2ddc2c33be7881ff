import { z } from "zod";
import { HttpError } from "../../http/http.ts";
import { DIMENSIONS } from "../fields.ts";
import type { Connection } from "../store/database.ts";
import { conditionOf } from "./conditions.ts";
import type { Filters, Range } from "./parameters.ts";

const text = z.string().max(1024).default("");

/** Something that happened beside the traffic, to be seen on the same time line. */
const Event = z.strictObject({
  /** RFC 3339; default: now. */
  time: z.iso.datetime({ offset: true }).default(() => new Date().toISOString()),
  type: z.enum(["rollout", "kubernetes", "limit", "alert", "other"]),
  /** One word, such as RolloutStarted. */
  reason: text,
  message: text,
  tenant: text,
  taskid: text,
  version: text,
  gateway: text,
  /** Who says so. */
  source: text,
});
export type Event = z.infer<typeof Event>;

const MAX_EVENTS = 1_000;
/** How many are answered at most. */
const MAX_ANSWERED = 10_000;
const Events = z.strictObject({ events: z.array(Event).max(MAX_EVENTS) });

/** One event, or an object with the list `events`. @throws HttpError 400 */
export function parseEvents(body: Buffer): Event[] {
  let json: unknown;
  try {
    json = JSON.parse(body.toString("utf8"));
  } catch (error) {
    throw new HttpError(400, "bad_event", `the body is no JSON: ${(error as Error).message}`);
  }
  const isList = typeof json === "object" && json !== null && "events" in json;
  const { data, error } = Events.safeParse(isList ? json : { events: [json] });
  if (error !== undefined) throw new HttpError(400, "bad_event", z.prettifyError(error));
  return data.events;
}

const COLUMNS = ["type", "reason", "message", ...DIMENSIONS, "source"] as const;

/**
 * Stores events, but for those that are there already: who watches a cluster lists its events anew after a
 * restart.
 */
export async function addEvents(connection: Connection, events: Event[]): Promise<void> {
  const values = COLUMNS.map((name) => `$${name}`).join(", ");
  const isSame = COLUMNS.map((name) => `${name} = $${name}`).join(" AND ");
  const at = "epoch_ms($time::BIGINT)";
  await connection.transaction(async () => {
    for (const { time, ...event } of events)
      await connection.run(
        `INSERT INTO events SELECT ${at}, ${values} WHERE NOT EXISTS (FROM events WHERE time = ${at} AND ${isSame})`,
        { time: Date.parse(time), ...event },
      );
  });
}

/** The newest of a range, oldest first. */
export async function queryEvents(connection: Connection, range: Range, filters: Filters): Promise<Event[]> {
  const rows = await connection.rows<Omit<Event, "time"> & { at: number }>(
    `SELECT epoch_ms(time)::DOUBLE AS at, ${COLUMNS.join(", ")} FROM events WHERE ${conditionOf(filters, range, "time")} ORDER BY time DESC LIMIT ${MAX_ANSWERED}`,
  );
  return rows.reverse().map(({ at, ...event }) => ({ time: new Date(at).toISOString(), ...event }));
}
