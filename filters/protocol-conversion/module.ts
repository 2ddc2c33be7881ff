import { defineModule } from "../sdk/contexts";
import { ProtocolConversion } from "./protocol-conversion";

export * from "../sdk/exports/base";
export * from "../sdk/exports/request-body";
export * from "../sdk/exports/request-headers";
export * from "../sdk/exports/response";

defineModule(() => [new ProtocolConversion()], true);
