-- Where the job reads and writes. Replace the addresses; the columns are the access log's and the metrics' own.

CREATE TABLE log_lines (
  start_time TIMESTAMP_LTZ(3),
  duration BIGINT,
  response_code INT,
  response_flags STRING,
  grpc_status STRING,
  bytes_received BIGINT,
  bytes_sent BIGINT,
  hostname STRING,
  request_id STRING,
  gateway STRING,
  tenant STRING,
  credential STRING,
  taskid STRING,
  version STRING,
  decision STRING,
  reason STRING,
  would_refuse STRING,
  -- Of calls to language models alone.
  usage STRING,
  input_tokens BIGINT,
  cached_tokens BIGINT,
  output_tokens BIGINT,
  reasoning_tokens BIGINT,
  time_to_first_token_us BIGINT,
  time_per_output_token_us BIGINT,
  aborted STRING,
  cost_micros BIGINT,
  currency STRING,
  -- A line without a time is late by definition, so that it is counted and stops nothing.
  event_time AS COALESCE(start_time, TO_TIMESTAMP_LTZ(0, 3)),
  -- A line is written when its request ends: the delay is the longest request plus the way through Kafka.
  WATERMARK FOR event_time AS event_time - INTERVAL '2' MINUTE
) WITH (
  'connector' = 'kafka',
  'topic' = 'modelgate-logs',
  'properties.bootstrap.servers' = 'kafka:9092',
  'properties.group.id' = 'modelgate-traffic-metrics',
  'properties.auto.offset.reset' = 'earliest',
  'scan.startup.mode' = 'group-offsets',
  'scan.watermark.idle-timeout' = '30 s',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true',
  'json.timestamp-format.standard' = 'ISO-8601'
);

-- One document a minute and series. The primary key is the document's id: a replay after a failure overwrites.
CREATE TABLE traffic (
  `@timestamp` TIMESTAMP_LTZ(3),
  tenant STRING,
  taskid STRING,
  version STRING,
  gateway STRING,
  requests BIGINT,
  qps DOUBLE,
  -- These four add up to the requests; errors are the server's.
  served BIGINT,
  refused BIGINT,
  client_errors BIGINT,
  errors BIGINT,
  would_refuse BIGINT,
  p50 DOUBLE,
  p90 DOUBLE,
  p99 DOUBLE,
  duration_sum BIGINT,
  bytes_received BIGINT,
  bytes_sent BIGINT,
  in_flight DOUBLE,
  PRIMARY KEY (`@timestamp`, tenant, taskid, version, gateway) NOT ENFORCED
) WITH (
  'connector' = 'elasticsearch-7',
  'hosts' = 'http://elasticsearch:9200',
  'index' = 'modelgate-traffic',
  'document-id.key-delimiter' = '|',
  'sink.delivery-guarantee' = 'at-least-once',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601'
);

-- How requests ended: by HTTP status, outcome and the reason that callers got.
CREATE TABLE outcomes (
  `@timestamp` TIMESTAMP_LTZ(3),
  tenant STRING,
  taskid STRING,
  version STRING,
  gateway STRING,
  response_code INT,
  outcome STRING,
  reason STRING,
  requests BIGINT,
  PRIMARY KEY (`@timestamp`, tenant, taskid, version, gateway, response_code, outcome, reason) NOT ENFORCED
) WITH (
  'connector' = 'elasticsearch-7',
  'hosts' = 'http://elasticsearch:9200',
  'index' = 'modelgate-outcomes',
  'document-id.key-delimiter' = '|',
  'sink.delivery-guarantee' = 'at-least-once',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601'
);

-- The latency sketch itself: counts of any tasks and minutes add up, and percentiles follow from the sums.
CREATE TABLE latency (
  `@timestamp` TIMESTAMP_LTZ(3),
  tenant STRING,
  taskid STRING,
  version STRING,
  gateway STRING,
  bucket INT,
  milliseconds DOUBLE,
  requests BIGINT,
  PRIMARY KEY (`@timestamp`, tenant, taskid, version, gateway, bucket) NOT ENFORCED
) WITH (
  'connector' = 'elasticsearch-7',
  'hosts' = 'http://elasticsearch:9200',
  'index' = 'modelgate-latency',
  'document-id.key-delimiter' = '|',
  'sink.delivery-guarantee' = 'at-least-once',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601'
);

-- Calls to language models: tokens, and money in millionths of the currency, of which a call without a price has none.
CREATE TABLE model_calls (
  `@timestamp` TIMESTAMP_LTZ(3),
  tenant STRING,
  taskid STRING,
  version STRING,
  gateway STRING,
  credential STRING,
  currency STRING,
  calls BIGINT,
  input_tokens BIGINT,
  cached_tokens BIGINT,
  output_tokens BIGINT,
  reasoning_tokens BIGINT,
  estimated BIGINT,
  aborted BIGINT,
  cost_micros BIGINT,
  PRIMARY KEY (`@timestamp`, tenant, taskid, version, gateway, credential, currency) NOT ENFORCED
) WITH (
  'connector' = 'elasticsearch-7',
  'hosts' = 'http://elasticsearch:9200',
  'index' = 'modelgate-model-calls',
  'document-id.key-delimiter' = '|',
  'sink.delivery-guarantee' = 'at-least-once',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601'
);

-- Sketches of the times of tokens, as `latency` is one: `kind` is the field of the line.
CREATE TABLE token_times (
  `@timestamp` TIMESTAMP_LTZ(3),
  tenant STRING,
  taskid STRING,
  version STRING,
  gateway STRING,
  kind STRING,
  bucket INT,
  microseconds DOUBLE,
  calls BIGINT,
  PRIMARY KEY (`@timestamp`, tenant, taskid, version, gateway, kind, bucket) NOT ENFORCED
) WITH (
  'connector' = 'elasticsearch-7',
  'hosts' = 'http://elasticsearch:9200',
  'index' = 'modelgate-token-times',
  'document-id.key-delimiter' = '|',
  'sink.delivery-guarantee' = 'at-least-once',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601'
);

-- Lines that came after their minute was written, and lines without a time: not in the tables above.
CREATE TABLE late_lines (
  start_time TIMESTAMP_LTZ(3),
  hostname STRING,
  request_id STRING,
  gateway STRING,
  tenant STRING,
  taskid STRING,
  version STRING
) WITH (
  'connector' = 'elasticsearch-7',
  'hosts' = 'http://elasticsearch:9200',
  'index' = 'modelgate-late-lines',
  'sink.delivery-guarantee' = 'at-least-once',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601'
);
