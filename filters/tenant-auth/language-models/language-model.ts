import { Bytes } from "../../sdk/bytes/bytes";

/** A task that callers of OpenAI's API call by the name of its model. */
export class LanguageModel {
  constructor(
    readonly taskid: Bytes,
    /** Names that callers write. */
    readonly names: Bytes[],
    /** Versions that a name may end in, behind a colon. */
    readonly versions: Bytes[],
    /** Envoy's name for where it is served. */
    readonly cluster: Bytes | null,
    /** Where the model server has the API; null: it speaks another protocol, and the path stays. */
    readonly basePath: Bytes | null,
    /** What the model server wants in `authorization`; null: nothing. */
    readonly authorization: Bytes | null,
    /** Longest time of an answer that is generated, in milliseconds as a header has it; 0: none. */
    readonly streamTimeout: Bytes,
    /** This pod can't open the model server's key. */
    readonly isLocked: bool,
  ) {}

  version(name: usize, len: i32): Bytes | null {
    const versions = this.versions;
    for (let i = 0; i < versions.length; i++) if (versions[i].equals(name, len)) return versions[i];
    return null;
  }
}
