/** Where the whole chain is measured: points in the space of payload, protocol, workers and connections. */

export type Call = "GET" | "JSON" | "gRPC";

export interface Cell {
  /** A request without a body, or a tensor as JSON that is to be converted, or a gRPC call that is to pass untouched. */
  call: Call;
  /** Bytes of the request's body, about. */
  bytes: number;
  /** Major version of HTTP on the caller's side. */
  http: 1 | 2;
  workers: 1 | 2;
  connections: number;
  /** Requests a second of the open loop that latency is measured with; none: it isn't. */
  perSecond?: number;
}

const SIZES = [1e3, 0.6e6, 7.12e6, 20e6];
const CONNECTIONS = [1, 32, 512] as const;
/** Larger bodies go over one connection: how they wait for each other is another question. */
const CROWDED_BYTES = 1e6;

const GET: Cell = { call: "GET", bytes: 0, http: 1, workers: 1, connections: 32, perSecond: 500 };
const JSON_BODY: Cell = { call: "JSON", bytes: 0.6e6, http: 1, workers: 1, connections: 32, perSecond: 25 };
const GRPC: Cell = { call: "gRPC", bytes: 0.6e6, http: 2, workers: 1, connections: 32, perSecond: 50 };

/** Each axis varied around a centre; with `full` every point. Those that take the least memory come first, as memory is hardly given back. */
export function cellsOf(full: boolean): Cell[] {
  const cells = full ? everyCell() : aroundTheCentres();
  const unique = new Map(cells.map((cell) => [cellName(cell), cell]));
  return [...unique.values()].toSorted((a, b) => a.workers - b.workers || inFlight(a) - inFlight(b));
}

function inFlight({ bytes, connections }: Cell): number {
  return bytes * connections + connections;
}

function aroundTheCentres(): Cell[] {
  return [
    ...around(GET),
    ...[...SIZES.map((bytes) => sized(JSON_BODY, bytes)), ...around(JSON_BODY)],
    ...SIZES.map((bytes) => sized(GRPC, bytes)),
  ];
}

function around(centre: Cell): Cell[] {
  const { perSecond, ...quiet } = centre;
  return [
    centre,
    { ...quiet, http: 2 },
    { ...quiet, workers: 2 },
    ...CONNECTIONS.filter((connections) => connections !== centre.connections).map((connections) => ({
      ...quiet,
      connections,
    })),
  ];
}

function sized(centre: Cell, bytes: number): Cell {
  if (bytes === centre.bytes) return centre;
  const { perSecond, ...quiet } = centre;
  return { ...quiet, bytes, connections: bytes > CROWDED_BYTES ? 1 : centre.connections };
}

function everyCell(): Cell[] {
  return [GET, JSON_BODY, GRPC].flatMap((centre) =>
    (centre.call === "GET" ? [0] : SIZES).flatMap((bytes) =>
      (centre.call === "gRPC" ? [2 as const] : ([1, 2] as const)).flatMap((http) =>
        ([1, 2] as const).flatMap((workers) =>
          CONNECTIONS.filter((connections) => connections < 512 || bytes < CROWDED_BYTES).map(
            (connections) => {
              const { perSecond, ...cell } = { ...centre, bytes, http, workers, connections };
              const rated = bytes === centre.bytes && http === centre.http && connections === 32;
              return rated && perSecond ? { ...cell, perSecond } : cell;
            },
          ),
        ),
      ),
    ),
  );
}

const CALLS: Call[] = ["GET", "JSON", "gRPC"];

/** The order in which results are shown. */
export function byAxes(a: Cell, b: Cell): number {
  return (
    CALLS.indexOf(a.call) - CALLS.indexOf(b.call) ||
    a.bytes - b.bytes ||
    a.http - b.http ||
    a.workers - b.workers ||
    a.connections - b.connections
  );
}

/** As in `JSON 0.6 MB, HTTP/1.1, 1 worker, 32 connections`. */
export function cellName({ call, bytes, http, workers, connections }: Cell): string {
  return [
    payloadName({ call, bytes }),
    http === 2 ? "HTTP/2" : "HTTP/1.1",
    plural(workers, "worker"),
    plural(connections, "connection"),
  ].join(", ");
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

export function payloadName({ call, bytes }: Pick<Cell, "call" | "bytes">): string {
  if (bytes === 0) return "no body";
  return `${call} ${bytes >= 1e5 ? `${bytes / 1e6} MB` : `${bytes / 1e3} KB`}`;
}

/** How many requests of a cell a run sends: half a second of what is slow at it, and one for each connection at least. */
export function requestsOf({ call, bytes, connections }: Cell): number {
  if (call === "GET") return 10_000;
  const cheap = call === "gRPC" ? 10 : 1;
  const most = call === "gRPC" ? 6000 : 4000;
  return Math.max(connections, 3, Math.min(most, Math.round((cheap * 40e6) / bytes)));
}
