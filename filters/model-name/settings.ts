import { Bytes, bytes } from "../sdk/bytes/bytes";
import { NameTable } from "../sdk/bytes/name-table";
import { Config } from "../sdk/pipeline/config";

const DEFAULT_BODY_BYTES: f64 = 1024 * 1024;
const DEFAULT_HELD_BYTES: f64 = 64 * 1024 * 1024;

/** The object `modelName` of the plug-in configuration. */
export class Settings {
  /** Most bytes of a body that may come before its model does. */
  maxBodyBytes: i32 = 0;
  /** Most bytes that all requests of a VM hold at once. */
  maxHeldBytes: i64 = 0;
  /** Headers that may hold a credential; a request without one is not held. */
  credentialHeaders: Bytes[] = [];
  /** May a credential be in the query, or in the connection's certificate? */
  hasOtherCredentials: bool = false;
  /** What callers write in `model` of which gateway.wasm counts the tokens. */
  readonly counted: NameTable<bool> = new NameTable<bool>();
  /** By what callers write in `model`: what the model server gets instead. */
  readonly served: NameTable<Bytes> = new NameTable<Bytes>();
}

export function readSettings(config: Config): Settings {
  const settings = new Settings();
  settings.maxBodyBytes = <i32>config.number("maxBodyBytes", DEFAULT_BODY_BYTES, 1);
  settings.maxHeldBytes = <i64>config.number("maxHeldBytes", DEFAULT_HELD_BYTES, 1);
  const headers = config.texts("credentialHeaders");
  for (let i = 0; i < headers.length; i++) settings.credentialHeaders.push(bytes(headers[i]));
  settings.hasOtherCredentials = config.flag("otherCredentials", false);
  const counted = config.texts("counted");
  for (let i = 0; i < counted.length; i++)
    if (!settings.counted.add(bytes(counted[i]), true))
      config.fault("counted", `${counted[i]} is there twice`);
  const served = config.objects("served");
  for (let i = 0; i < served.length; i++) {
    const model = served[i].text("model");
    if (!settings.served.add(bytes(model), bytes(served[i].text("as"))))
      served[i].fault("model", `${model} is there twice`);
    served[i].finish();
  }
  return settings;
}
