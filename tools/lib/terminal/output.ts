import { escapeControls } from "./escape.ts";

type Stream = NodeJS.WriteStream;
type Write = Stream["write"];

/** How guarded streams write what is not to be escaped. */
const unguarded = new Map<Stream, Write>();

/**
 * From now on whatever this process writes to stdout and stderr is escaped, whoever writes it and by whatever
 * call: what clients, clusters and registries name reaches a terminal as text only. JSON means what it meant,
 * for the escapes are JSON's own; `toYaml` leaves nothing to escape. Only `drawOver` comes past it.
 * @returns takes the guard away
 */
export function guardOutput(): () => void {
  const streams = [process.stdout, process.stderr];
  for (const stream of streams) {
    const { write } = stream;
    unguarded.set(stream, write.bind(stream) as Write);
    stream.write = ((chunk: string | Uint8Array, ...rest: []) =>
      write.call(stream, escapeControls(Buffer.from(chunk as string).toString()), ...rest)) as Write;
  }
  return () => {
    for (const stream of streams) {
      stream.write = unguarded.get(stream) as Write;
      unguarded.delete(stream);
    }
  };
}

/** Writes `text`, escaped, behind what moves a terminal's cursor. @param control such as `\r\x1b[K` */
export function drawOver(stream: Stream, control: string, text: string): void {
  const write = unguarded.get(stream) ?? (stream.write.bind(stream) as Write);
  write(control + escapeControls(text));
}
