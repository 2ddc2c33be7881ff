import { Bytes, bytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { Config } from "../sdk/pipeline/config";

/** A name that may stand before or behind a separator: without slashes and control characters. */
export function nameOf(config: Config, field: string): string {
  const name = config.text(field);
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i);
    if (c < <i32>Char.SPACE || c == Char.SLASH)
      config.fault(field, "must hold no slash and no control character");
  }
  return name;
}

export function lower(text: string): Bytes {
  return bytes(text.toLowerCase());
}

export function bytesOf(texts: string[]): Bytes[] {
  const list: Bytes[] = [];
  for (let i = 0; i < texts.length; i++) list.push(bytes(texts[i]));
  return list;
}
