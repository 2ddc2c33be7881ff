import { join } from "node:path";
import type { CollectorOptions } from "../options.ts";
import type { Offset } from "../store/batch.ts";
import type { Database } from "../store/database.ts";
import { FollowedFiles } from "./followed-files.ts";
import { Spool } from "./spool.ts";

/** Where lines come from, each from where it was left: batches that wait on disk, and followed files. */
export async function openInputs(
  database: Database,
  { folder, spoolBytes, globs, log }: CollectorOptions,
): Promise<{ spool: Spool; followed: FollowedFiles }> {
  const offsets = await database.use((connection) =>
    connection.rows<Offset>(
      `SELECT source, path, position::DOUBLE AS position, head_bytes AS "headBytes", head FROM offsets`,
    ),
  );
  const isSpooled = ({ source }: Offset) => source.startsWith("spool:");
  const spool = await Spool.open(join(folder, "spool"), spoolBytes, offsets.filter(isSpooled));
  const ofFiles = offsets.filter((offset) => !isSpooled(offset));
  return { spool, followed: new FollowedFiles(globs, ofFiles, log) };
}
