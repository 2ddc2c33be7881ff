import { Bytes, bytes, toText } from "../../sdk/bytes/bytes";
import { LogLevel, log } from "../../sdk/host/log";
import { openSecret, readSealed } from "../../sdk/host/sealed-secret";
import { Config } from "../../sdk/pipeline/config";
import { bytesOf } from "../config-texts";
import { LanguageModel } from "./language-model";
import { LanguageModels } from "./language-models";

/** Reads `languageModels`. @returns null when there are none */
export function readLanguageModels(configs: Config[]): LanguageModels | null {
  if (configs.length == 0) return null;
  const models = new LanguageModels();
  for (let i = 0; i < configs.length; i++) {
    const config = configs[i];
    const model = readModel(config);
    const double = models.add(model);
    if (double != null) config.fault("models", `${toText(double.ptr, double.len)} is there twice`);
    config.finish();
  }
  return models;
}

function readModel(config: Config): LanguageModel {
  const taskid = config.text("taskid");
  const key = readKey(config, taskid);
  return new LanguageModel(
    bytes(taskid),
    bytesOf(config.texts("models")),
    bytesOf(config.texts("versions")),
    config.has("cluster") ? bytes(config.text("cluster")) : null,
    config.has("basePath") ? bytes(config.text("basePath")) : null,
    key,
    bytes((<u32>config.number("streamTimeoutMilliseconds", 0, 0)).toString()),
    key == null && config.has("sealedApiKey"),
  );
}

/**
 * The model server's key, in clear or sealed.
 * @returns null when there is none, or none that can be opened
 */
function readKey(config: Config, taskid: string): Bytes | null {
  if (config.has("apiKey")) {
    if (config.has("sealedApiKey")) config.fault("sealedApiKey", "can't stand beside apiKey");
    return bytes(`Bearer ${config.text("apiKey")}`);
  }
  if (!config.has("sealedApiKey")) return null;
  if (!readSealed(bytes(config.text("sealedApiKey")))) {
    config.fault("sealedApiKey", "must be hexadecimal: a nonce, a sealed key and a tag");
    return null;
  }
  const secret = openSecret(bytes(`model server of ${taskid}`));
  if (secret != null) return bytes(`Bearer ${toText(secret.ptr, secret.len)}`);
  log(
    LogLevel.Error,
    `task ${taskid} is refused: its model server's key can't be opened with the pod's MODELGATE_SEALING_KEY`,
  );
  return null;
}
