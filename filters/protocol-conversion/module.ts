import { defineModule } from "../sdk/contexts";
import { ProtocolConversion } from "./protocol-conversion";

export * from "../sdk/exports/base";
export * from "../sdk/exports/bodies";
export * from "../sdk/exports/request-headers";

defineModule(() => [new ProtocolConversion()], true);
