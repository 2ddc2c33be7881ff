import { defineModule } from "modelgate/stage";
import { HeaderGuard } from "./header-guard";

// The callbacks that Envoy makes: no more than the stages need, since each costs an entry into the VM.
export * from "modelgate/sdk/host/budget";
export * from "modelgate/sdk/pipeline/exports/base";
export * from "modelgate/sdk/pipeline/exports/request-headers";
export * from "modelgate/sdk/pipeline/exports/response-headers";

defineModule(() => [new HeaderGuard()], true);
