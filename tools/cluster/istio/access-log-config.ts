import type { AccessLogSettings } from "../../api/access-log-settings.ts";
import { durationMilliseconds } from "../../api/fields.ts";
import { gatewayName, type Tenant } from "../../api/tenant.ts";
import { type FileLogOptions, fileAccessLog } from "../../lib/envoy/access-log.ts";
import type { Sample } from "../../lib/envoy/log-filter.ts";
import { serviceCluster } from "./names.ts";
import { TOKEN_KEY } from "./rate-limit-config.ts";
import { bearerToken } from "./seal.ts";
import type { SecretLookup } from "./secret-lookup.ts";

/**
 * Configuration of the stage access-log, as filters/access-log/read-config.ts reads it.
 * @throws Error for a token that `secrets` does not know
 */
export function accessLogConfig(tenant: Tenant, secrets: SecretLookup): object {
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
        ...(collector.tokenSecret !== undefined && {
          ...bearerToken(
            tenant,
            secrets,
            serviceCluster(collector),
            tokenOf(tenant, collector.tokenSecret, secrets),
          ),
        }),
        format: collector.format,
        timeoutMilliseconds: durationMilliseconds(collector.timeout),
        maxQueueBytes: collector.maxQueueBytes,
        ...(sample && { sample: pluginSample(sampleOf(sample)) }),
      },
    }),
  };
}

function tokenOf({ metadata, spec }: Tenant, name: string, secrets: SecretLookup): string {
  const { namespace } = spec.gateway;
  const value = secrets(namespace, name, TOKEN_KEY);
  if (value) return Buffer.from(value).toString().trim();
  throw new Error(`Tenant ${metadata.name}: key ${TOKEN_KEY} of Secret ${namespace}/${name} is not known`);
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
    ...(slowerThan !== undefined && { slowerThanMs: Math.round(durationMilliseconds(slowerThan)) }),
  };
}

/** As the plug-in configuration has it. */
function pluginSample({ ratio, slowerThanMs }: Sample): object {
  return { ratio, ...(slowerThanMs !== undefined && { slowerThanMilliseconds: slowerThanMs }) };
}

function redacted({ queryParameters, headers, paths }: AccessLogSettings["redact"]): object {
  return {
    ...(queryParameters.length > 0 && { redactedParameters: queryParameters }),
    ...(headers.length > 0 && { redactedHeaders: headers }),
    ...(paths.length > 0 && { redactedPaths: paths }),
  };
}
