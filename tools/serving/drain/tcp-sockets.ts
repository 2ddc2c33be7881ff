import { readFile } from "node:fs/promises";

const ESTABLISHED = "01";
const LISTEN = "0A";

/** A TCP socket of this network namespace, as /proc/net/tcp has it. */
interface Socket {
  localPort: number;
  state: string;
  inode: string;
}

/** Connections that others have to a port of this network namespace; undefined where /proc can't tell. */
export async function connectionsTo(port: number): Promise<number | undefined> {
  const sockets = await readSockets();
  return sockets?.filter(({ localPort, state }) => localPort === port && state === ESTABLISHED).length;
}

/** Inodes of the sockets that listen on a port. */
export async function listeners(port: number): Promise<string[]> {
  const sockets = (await readSockets()) ?? [];
  return sockets
    .filter(({ localPort, state }) => localPort === port && state === LISTEN)
    .map(({ inode }) => inode);
}

async function readSockets(): Promise<Socket[] | undefined> {
  const files = ["/proc/net/tcp", "/proc/net/tcp6"];
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8").catch(() => undefined)));
  if (texts.every((text) => text === undefined)) return undefined;
  return texts.flatMap((text = "") => parseSockets(text));
}

/** @see https://docs.kernel.org/networking/proc_net_tcp.html */
export function parseSockets(text: string): Socket[] {
  return text
    .split("\n")
    .slice(1)
    .filter(Boolean)
    .map((line) => {
      const [, local = "", , state = "", , , , , , inode = ""] = line.trim().split(/\s+/);
      return { localPort: Number.parseInt(local.split(":")[1] ?? "", 16), state, inode };
    });
}
