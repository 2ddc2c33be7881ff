import { startLanguageModel } from "../../serving/language-model/server.ts";
import type { LocalGateway } from "./gateway.ts";
import { type ResourceGatewayOptions, startResourceGateway } from "./resource-gateway.ts";

/**
 * The gateway of a Tenant, as `startResourceGateway` has it, whose language models are all served by one
 * small model of random weights.
 * @throws Error that says what to install
 */
export async function startLanguageGateway(options: ResourceGatewayOptions): Promise<LocalGateway> {
  const models = await startLanguageModel();
  console.error(`llama.cpp serves ${models.model}: its weights are random, and what it says means nothing`);
  try {
    const gateway = await startResourceGateway({
      ...options,
      languageModel: { host: "127.0.0.1", port: models.port },
    });
    return {
      ...gateway,
      async stop() {
        await gateway.stop();
        await models.stop();
      },
    };
  } catch (error) {
    await models.stop();
    throw error;
  }
}
