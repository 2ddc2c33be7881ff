import { defineModule } from "../sdk/pipeline/contexts";
import { ProtocolConversion } from "./protocol-conversion";

export * from "../sdk/pipeline/exports/base";
export * from "../sdk/pipeline/exports/request-body";
export * from "../sdk/pipeline/exports/request-headers";
export * from "../sdk/pipeline/exports/response";

defineModule(() => [new ProtocolConversion()], true);
