import { AccessLog } from "../access-log/access-log";
import { Decompression } from "../decompression/decompression";
import { ModelName } from "../model-name/model-name";
import { ProtocolConversion } from "../protocol-conversion/protocol-conversion";
import { RateLimit } from "../rate-limit/rate-limit";
import { TokenLimit } from "../rate-limit/tokens/token-limit";
import { defineModule } from "../sdk/pipeline/contexts";
import { StreamTime } from "../stream-time/stream-time";
import { TenantAuth } from "../tenant-auth/tenant-auth";

export * from "../sdk/pipeline/exports/base";
export * from "../sdk/pipeline/exports/log";
export * from "../sdk/pipeline/exports/request-body";
export * from "../sdk/pipeline/exports/request-headers";
export * from "../sdk/pipeline/exports/response";

defineModule(() => {
  const rateLimit = new RateLimit();
  return [
    new ModelName(),
    new TenantAuth(),
    new StreamTime(),
    rateLimit,
    new TokenLimit(rateLimit.shared),
    new Decompression(),
    new ProtocolConversion(),
    new AccessLog(),
  ];
}, false);
