// The module that `modelgate build --converter` compiles; `./converter` is the developer's file.
import { Converter, ConverterStage } from "modelgate/converter/converter";
import { ModelRequest } from "modelgate/converter/model-request";
import { ModelResponse } from "modelgate/converter/model-response";
import { Request } from "modelgate/converter/request";
import { defineModule } from "modelgate/sdk/pipeline/contexts";
import { after, before } from "./converter";

export * from "modelgate/converter/exports";
export * from "modelgate/sdk/host/budget";

class OwnConverter extends Converter {
  before(request: Request): ModelRequest | null {
    return before(request);
  }

  after(response: ModelResponse): Uint8Array | null {
    return after(response);
  }
}

defineModule(() => [new ConverterStage(new OwnConverter())], true);
