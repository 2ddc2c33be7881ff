-- In place of Elasticsearch: the results go into topics of Kafka, from which `modelgate indexer` writes them into Elasticsearch or OpenSearch. Run it
-- between tables.sql and traffic-metrics.sql. A result's key is its document's id: what is computed again overwrites.

ALTER TABLE traffic RESET ('hosts', 'index', 'document-id.key-delimiter', 'sink.delivery-guarantee', 'format', 'json.timestamp-format.standard');
ALTER TABLE traffic SET (
  'connector' = 'upsert-kafka',
  'topic' = 'modelgate-traffic',
  'properties.bootstrap.servers' = 'kafka:9092',
  'key.format' = 'json',
  'key.json.timestamp-format.standard' = 'ISO-8601',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601'
);

ALTER TABLE outcomes RESET ('hosts', 'index', 'document-id.key-delimiter', 'sink.delivery-guarantee', 'format', 'json.timestamp-format.standard');
ALTER TABLE outcomes SET (
  'connector' = 'upsert-kafka',
  'topic' = 'modelgate-outcomes',
  'properties.bootstrap.servers' = 'kafka:9092',
  'key.format' = 'json',
  'key.json.timestamp-format.standard' = 'ISO-8601',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601'
);

ALTER TABLE latency RESET ('hosts', 'index', 'document-id.key-delimiter', 'sink.delivery-guarantee', 'format', 'json.timestamp-format.standard');
ALTER TABLE latency SET (
  'connector' = 'upsert-kafka',
  'topic' = 'modelgate-latency',
  'properties.bootstrap.servers' = 'kafka:9092',
  'key.format' = 'json',
  'key.json.timestamp-format.standard' = 'ISO-8601',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601'
);

ALTER TABLE model_calls RESET ('hosts', 'index', 'document-id.key-delimiter', 'sink.delivery-guarantee', 'format', 'json.timestamp-format.standard');
ALTER TABLE model_calls SET (
  'connector' = 'upsert-kafka',
  'topic' = 'modelgate-model-calls',
  'properties.bootstrap.servers' = 'kafka:9092',
  'key.format' = 'json',
  'key.json.timestamp-format.standard' = 'ISO-8601',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601'
);

ALTER TABLE token_times RESET ('hosts', 'index', 'document-id.key-delimiter', 'sink.delivery-guarantee', 'format', 'json.timestamp-format.standard');
ALTER TABLE token_times SET (
  'connector' = 'upsert-kafka',
  'topic' = 'modelgate-token-times',
  'properties.bootstrap.servers' = 'kafka:9092',
  'key.format' = 'json',
  'key.json.timestamp-format.standard' = 'ISO-8601',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601'
);

-- Lines that came too late have no key.
ALTER TABLE late_lines RESET ('hosts', 'index', 'sink.delivery-guarantee');
ALTER TABLE late_lines SET (
  'connector' = 'kafka',
  'topic' = 'modelgate-late-lines',
  'properties.bootstrap.servers' = 'kafka:9092'
);
