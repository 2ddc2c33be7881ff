import { readFile } from "node:fs/promises";
import type { Tls } from "./listener.ts";

export interface TlsPaths {
  cert: string;
  key: string;
  clientCa?: string | undefined;
}

/** Reads PEM files. @throws Error that names the file which can't be read */
export async function readTls({ cert, key, clientCa }: TlsPaths): Promise<Tls> {
  return {
    cert: await readFile(cert),
    key: await readFile(key),
    clientCa: clientCa === undefined ? undefined : await readFile(clientCa),
  };
}

export function sameTls(a: Tls, b: Tls): boolean {
  const same = (x: Buffer | undefined, y: Buffer | undefined) =>
    x === y || (x !== undefined && y !== undefined && x.equals(y));
  return same(a.cert, b.cert) && same(a.key, b.key) && same(a.clientCa, b.clientCa);
}
