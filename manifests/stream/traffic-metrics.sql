-- Traffic metrics from the access log, per tenant, task, version, gateway and minute: what `modelgate collector` computes, for traffic beyond one
-- process. Run it after tables.sql. A minute holds the requests that started in it.

SET 'table.local-time-zone' = 'UTC';
-- A series has one row a minute, so no two rows have one key. Flink can't tell by itself: it would keep all rows to compare them, and from 2.3 on
-- refuse to begin.
SET 'table.exec.sink.upsert-materialize' = 'NONE';
SET 'table.exec.sink.require-on-conflict' = 'false';

-- A minute is closed by the watermark; what comes after that is late.
CREATE TEMPORARY VIEW timely AS
SELECT *
FROM log_lines
WHERE start_time IS NOT NULL
  AND (CURRENT_WATERMARK(event_time) IS NULL
    OR FLOOR(event_time TO MINUTE) + INTERVAL '1' MINUTE > CURRENT_WATERMARK(event_time));

-- Shippers deliver at least once: the same request, start and gateway pod is one request. Its copies start in the same minute, so the state of this
-- ends with the minute. Lines without a request id are all counted.
CREATE TEMPORARY VIEW requests AS
SELECT
  window_start,
  window_end,
  COALESCE(tenant, '') AS tenant,
  COALESCE(taskid, '') AS taskid,
  COALESCE(version, '') AS version,
  COALESCE(gateway, '') AS gateway,
  COALESCE(response_code, 0) AS response_code,
  COALESCE(duration, 0) AS duration,
  COALESCE(bytes_received, 0) AS bytes_received,
  COALESCE(bytes_sent, 0) AS bytes_sent,
  COALESCE(reason, '') AS reason,
  -- How it ended: docs/concepts/outcomes.md. The text is that of tools/lib/access-log/outcome.ts; a test compares them.
  CASE
    WHEN COALESCE(reason, '') IN ('filter_missing', 'keys_unavailable', 'memory_exhausted', 'replay_window_full') THEN 'server_error'
    WHEN COALESCE(decision, '') = 'refused' OR (COALESCE(decision, '') = '' AND COALESCE(reason, '') <> '') THEN 'refused'
    WHEN CASE WHEN COALESCE(response_flags, '-') IN ('-', '') THEN FALSE ELSE (',' || response_flags || ',') LIKE '%,DC,%' OR (',' || response_flags || ',') LIKE '%,DR,%' END THEN 'client_error'
    WHEN COALESCE(response_code, 0) = 0 OR COALESCE(response_code, 0) >= 500 THEN 'server_error'
    WHEN COALESCE(response_code, 0) >= 400 THEN 'client_error'
    WHEN CASE WHEN COALESCE(response_code, 0) = 200 THEN COALESCE(grpc_status, '') ELSE '' END IN ('Canceled', 'InvalidArgument', 'NotFound', 'AlreadyExists', 'PermissionDenied', 'ResourceExhausted', 'FailedPrecondition', 'Aborted', 'OutOfRange', 'Unauthenticated') THEN 'client_error'
    WHEN CASE WHEN COALESCE(response_code, 0) = 200 THEN COALESCE(grpc_status, '') ELSE '' END NOT IN ('', 'OK') THEN 'server_error'
    WHEN CASE WHEN COALESCE(response_flags, '-') IN ('-', '') THEN FALSE ELSE (',' || response_flags || ',') LIKE '%,LR,%' OR (',' || response_flags || ',') LIKE '%,SI,%' OR (',' || response_flags || ',') LIKE '%,UC,%' OR (',' || response_flags || ',') LIKE '%,UF,%' OR (',' || response_flags || ',') LIKE '%,UMSDR,%' OR (',' || response_flags || ',') LIKE '%,UPE,%' OR (',' || response_flags || ',') LIKE '%,UR,%' OR (',' || response_flags || ',') LIKE '%,UT,%' END THEN 'server_error'
    ELSE 'served'
  END AS outcome,
  COALESCE(decision, '') = 'would_refuse' OR COALESCE(would_refuse, '') <> '' AS would_refuse,
  COALESCE(credential, '') AS credential,
  COALESCE(usage, '') AS usage,
  COALESCE(currency, '') AS currency,
  COALESCE(input_tokens, 0) AS input_tokens,
  COALESCE(cached_tokens, 0) AS cached_tokens,
  COALESCE(output_tokens, 0) AS output_tokens,
  COALESCE(reasoning_tokens, 0) AS reasoning_tokens,
  COALESCE(cost_micros, 0) AS cost_micros,
  COALESCE(aborted, '') AS aborted,
  time_to_first_token_us,
  time_per_output_token_us,
  -- DDSketch (Masson, Rim, Lee: DDSketch, VLDB 2019) with a relative accuracy of 1 %: gamma = 1.01 / 0.99; -1 holds what took less than 1 ms.
  CASE WHEN COALESCE(duration, 0) < 1 THEN -1 ELSE CAST(CEIL(LN(duration) / LN(1.01E0 / 0.99E0)) AS INT) END AS bucket
FROM (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY window_start, window_end, one_request, start_time, hostname
      ORDER BY event_time
    ) AS copy
  FROM (
    SELECT *, COALESCE(NULLIF(request_id, ''), UUID()) AS one_request
    FROM TABLE(TUMBLE(TABLE timely, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
  )
)
WHERE copy = 1;

CREATE TEMPORARY VIEW sketch AS
SELECT window_start, window_end, tenant, taskid, version, gateway, bucket, COUNT(*) AS requests
FROM requests
GROUP BY window_start, window_end, tenant, taskid, version, gateway, bucket;

-- For each bucket, how many requests are in it or below it. The size of this join follows the buckets of a series, not its requests.
CREATE TEMPORARY VIEW ranks AS
SELECT
  here.window_start,
  here.window_end,
  here.tenant,
  here.taskid,
  here.version,
  here.gateway,
  here.bucket,
  SUM(CASE WHEN other.bucket <= here.bucket THEN other.requests ELSE 0 END) AS up_to,
  SUM(other.requests) AS total
FROM sketch AS here
JOIN sketch AS other
  ON here.window_start = other.window_start AND here.window_end = other.window_end
  AND here.tenant = other.tenant AND here.taskid = other.taskid
  AND here.version = other.version AND here.gateway = other.gateway
GROUP BY here.window_start, here.window_end, here.tenant, here.taskid, here.version, here.gateway, here.bucket;

-- The quantile q is in the first bucket that holds more than q * (n - 1) requests with those below.
CREATE TEMPORARY VIEW quantiles AS
SELECT
  window_start,
  window_end,
  tenant,
  taskid,
  version,
  gateway,
  MIN(CASE WHEN up_to > 0.5E0 * (total - 1) THEN bucket END) AS b50,
  MIN(CASE WHEN up_to > 0.9E0 * (total - 1) THEN bucket END) AS b90,
  MIN(CASE WHEN up_to > 0.99E0 * (total - 1) THEN bucket END) AS b99
FROM ranks
GROUP BY window_start, window_end, tenant, taskid, version, gateway;

-- The times of tokens, one row each.
CREATE TEMPORARY VIEW token_sketch AS
SELECT window_start, window_end, tenant, taskid, version, gateway, kind, bucket, COUNT(*) AS calls
FROM (
  SELECT
    window_start, window_end, tenant, taskid, version, gateway, kind,
    CASE WHEN microseconds < 1 THEN -1 ELSE CAST(CEIL(LN(microseconds) / LN(1.01E0 / 0.99E0)) AS INT) END AS bucket
  FROM (
    SELECT window_start, window_end, tenant, taskid, version, gateway,
      'time_to_first_token_us' AS kind, time_to_first_token_us AS microseconds
    FROM requests WHERE usage <> '' AND time_to_first_token_us IS NOT NULL
    UNION ALL
    SELECT window_start, window_end, tenant, taskid, version, gateway,
      'time_per_output_token_us' AS kind, time_per_output_token_us AS microseconds
    FROM requests WHERE usage <> '' AND time_per_output_token_us IS NOT NULL
  )
)
GROUP BY window_start, window_end, tenant, taskid, version, gateway, kind, bucket;

CREATE TEMPORARY VIEW sums AS
SELECT
  window_start,
  window_end,
  tenant,
  taskid,
  version,
  gateway,
  COUNT(*) AS requests,
  COUNT(*) FILTER (WHERE outcome = 'served') AS served,
  COUNT(*) FILTER (WHERE outcome = 'refused') AS refused,
  COUNT(*) FILTER (WHERE outcome = 'client_error') AS client_errors,
  COUNT(*) FILTER (WHERE outcome = 'server_error') AS errors,
  COUNT(*) FILTER (WHERE would_refuse) AS would_refuse,
  SUM(duration) AS duration_sum,
  SUM(bytes_received) AS bytes_received,
  SUM(bytes_sent) AS bytes_sent
FROM requests
GROUP BY window_start, window_end, tenant, taskid, version, gateway;

EXECUTE STATEMENT SET
BEGIN

INSERT INTO traffic
SELECT
  CAST(sums.window_start AS TIMESTAMP_LTZ(3)),
  sums.tenant,
  sums.taskid,
  sums.version,
  sums.gateway,
  requests,
  requests / 60E0,
  served,
  refused,
  client_errors,
  errors,
  would_refuse,
  CASE WHEN b50 < 0 THEN 0E0 ELSE 2 * POWER(1.01E0 / 0.99E0, b50) / (1.01E0 / 0.99E0 + 1) END,
  CASE WHEN b90 < 0 THEN 0E0 ELSE 2 * POWER(1.01E0 / 0.99E0, b90) / (1.01E0 / 0.99E0 + 1) END,
  CASE WHEN b99 < 0 THEN 0E0 ELSE 2 * POWER(1.01E0 / 0.99E0, b99) / (1.01E0 / 0.99E0 + 1) END,
  duration_sum,
  bytes_received,
  bytes_sent,
  duration_sum / 1000E0 / 60
FROM sums
JOIN quantiles
  ON sums.window_start = quantiles.window_start AND sums.window_end = quantiles.window_end
  AND sums.tenant = quantiles.tenant AND sums.taskid = quantiles.taskid
  AND sums.version = quantiles.version AND sums.gateway = quantiles.gateway;

INSERT INTO outcomes
SELECT
  CAST(window_start AS TIMESTAMP_LTZ(3)), tenant, taskid, version, gateway, response_code, outcome, reason,
  COUNT(*)
FROM requests
GROUP BY
  window_start, window_end, tenant, taskid, version, gateway, response_code, outcome, reason;

INSERT INTO latency
SELECT
  CAST(window_start AS TIMESTAMP_LTZ(3)), tenant, taskid, version, gateway, bucket,
  CASE WHEN bucket < 0 THEN 0E0 ELSE 2 * POWER(1.01E0 / 0.99E0, bucket) / (1.01E0 / 0.99E0 + 1) END,
  requests
FROM sketch;

INSERT INTO model_calls
SELECT
  CAST(window_start AS TIMESTAMP_LTZ(3)), tenant, taskid, version, gateway, credential, currency,
  COUNT(*),
  SUM(input_tokens),
  SUM(cached_tokens),
  SUM(output_tokens),
  SUM(reasoning_tokens),
  COUNT(*) FILTER (WHERE usage = 'estimated'),
  COUNT(*) FILTER (WHERE aborted <> ''),
  SUM(cost_micros)
FROM requests
WHERE usage <> ''
GROUP BY window_start, window_end, tenant, taskid, version, gateway, credential, currency;

INSERT INTO token_times
SELECT
  CAST(window_start AS TIMESTAMP_LTZ(3)), tenant, taskid, version, gateway, kind, bucket,
  CASE WHEN bucket < 0 THEN 0E0 ELSE 2 * POWER(1.01E0 / 0.99E0, bucket) / (1.01E0 / 0.99E0 + 1) END,
  calls
FROM token_sketch;

INSERT INTO late_lines
SELECT start_time, hostname, request_id, gateway, tenant, taskid, version
FROM log_lines
WHERE start_time IS NULL
  OR (CURRENT_WATERMARK(event_time) IS NOT NULL
    AND FLOOR(event_time TO MINUTE) + INTERVAL '1' MINUTE <= CURRENT_WATERMARK(event_time));

END;
