import { LogLevel, log } from "./log";

/**
 * Every failed check of the language (`assert`, an index out of range) ends here: names the place in the
 * host's log, then traps. The host restarts the VM.
 */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const what = message == null ? "abort" : message;
  const where = file == null ? "unknown file" : file;
  log(LogLevel.Critical, `${what} at ${where}:${line.toString()}:${column.toString()}`);
  unreachable();
}
