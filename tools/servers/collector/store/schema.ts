import { DIMENSIONS } from "../fields.ts";
import { MODEL_SCHEMA } from "./model-calls.ts";

const SERIES = DIMENSIONS.map((name) => `${name} VARCHAR NOT NULL`).join(", ");
const TRAFFIC = `time TIMESTAMP NOT NULL, ${SERIES}, code USMALLINT NOT NULL, reason VARCHAR NOT NULL,
  requests BIGINT NOT NULL, errors BIGINT NOT NULL, refused BIGINT NOT NULL, would_refuse BIGINT NOT NULL,
  duration_sum BIGINT NOT NULL, bytes_received BIGINT NOT NULL, bytes_sent BIGINT NOT NULL,
  client_errors BIGINT DEFAULT 0`;
const LATENCY = `time TIMESTAMP NOT NULL, ${SERIES}, bucket SMALLINT NOT NULL, requests BIGINT NOT NULL`;

/**
 * The tables beside the Parquet files of the log lines. A file counts only while it is in `files`.
 * `traffic_recent` and
 * `latency_recent` have rows of ten seconds, as they were committed; `traffic` and `latency` have whole
 * minutes. Rows of a store from before `client_errors` count none.
 */
export const SCHEMA = `
CREATE TABLE IF NOT EXISTS files (path VARCHAR NOT NULL, hour TIMESTAMP NOT NULL, level UTINYINT NOT NULL, row_count BIGINT NOT NULL,
  bytes BIGINT NOT NULL, first_seq BIGINT NOT NULL, last_seq BIGINT NOT NULL, first_time TIMESTAMP NOT NULL, last_time TIMESTAMP NOT NULL);
CREATE TABLE IF NOT EXISTS offsets (source VARCHAR NOT NULL, path VARCHAR NOT NULL, position BIGINT NOT NULL,
  head_bytes INTEGER NOT NULL, head VARCHAR NOT NULL, time TIMESTAMP NOT NULL);
CREATE TABLE IF NOT EXISTS seen (h UBIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS seen_before (h UBIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS totals (name VARCHAR NOT NULL, value BIGINT NOT NULL);
INSERT INTO totals SELECT name, value FROM (VALUES ('accepted', 0), ('rejected', 0), ('duplicates', 0), ('next_seq', 1)) AS t(name, value)
  WHERE NOT EXISTS (FROM totals);
CREATE TABLE IF NOT EXISTS traffic_recent (${TRAFFIC});
CREATE TABLE IF NOT EXISTS latency_recent (${LATENCY});
CREATE TABLE IF NOT EXISTS traffic (${TRAFFIC});
CREATE TABLE IF NOT EXISTS latency (${LATENCY});
CREATE TABLE IF NOT EXISTS events (time TIMESTAMP NOT NULL, type VARCHAR NOT NULL, reason VARCHAR NOT NULL, message VARCHAR NOT NULL,
  ${SERIES}, source VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS cursors (export VARCHAR NOT NULL, seq BIGINT NOT NULL);
ALTER TABLE traffic_recent ADD COLUMN IF NOT EXISTS client_errors BIGINT DEFAULT 0;
ALTER TABLE traffic ADD COLUMN IF NOT EXISTS client_errors BIGINT DEFAULT 0;
${MODEL_SCHEMA}
`;
