import { type FileLogOptions, fileAccessLog } from "../envoy/access-log.ts";
import type { Sample } from "../envoy/log-filter.ts";
import type { AccessLogSettings } from "../resources/access-log-settings.ts";
import { durationMilliseconds } from "../resources/fields.ts";
import { gatewayName, type Tenant } from "../resources/tenant.ts";
import { serviceCluster } from "./names.ts";

/** Configuration of the stage access-log, as filters/access-log/read-config.ts reads it. */
export function accessLogConfig(tenant: Tenant): object {
  const { collector, fields, maxValueBytes, redact, sample } = tenant.spec.gateway.tuning.accessLog;
  return {
    gateway: gatewayName(tenant),
    ...(fields && { fields }),
    maxValueBytes,
    ...redacted(redact),
    ...(collector && {
      collector: {
        cluster: serviceCluster(collector),
        authority: `${collector.service}.${collector.namespace}:${collector.port}`,
        format: collector.format,
        timeoutMilliseconds: durationMilliseconds(collector.timeout),
        maxQueueBytes: collector.maxQueueBytes,
        ...(sample && { sample: sampleOf(sample) }),
      },
    }),
  };
}

/** Envoy's own access loggers of a gateway: none when lines go to the collector. */
export function accessLoggers(tenant: Tenant): object[] {
  const { path, collector } = tenant.spec.gateway.tuning.accessLog;
  return collector ? [] : [fileAccessLog(path, fileLogOptions(tenant))];
}

/** Fields and sample of the lines of a file. */
export function fileLogOptions(tenant: Tenant): FileLogOptions {
  const { fields, sample } = tenant.spec.gateway.tuning.accessLog;
  return { fields, ...(sample && { sample: sampleOf(sample) }) };
}

function sampleOf({ ratio, slowerThan }: NonNullable<AccessLogSettings["sample"]>): Sample {
  return {
    ratio,
    ...(slowerThan !== undefined && { slowerThanMilliseconds: Math.round(durationMilliseconds(slowerThan)) }),
  };
}

function redacted({ queryParameters, headers, paths }: AccessLogSettings["redact"]): object {
  return {
    ...(queryParameters.length > 0 && { redactedParameters: queryParameters }),
    ...(headers.length > 0 && { redactedHeaders: headers }),
    ...(paths.length > 0 && { redactedPaths: paths }),
  };
}
