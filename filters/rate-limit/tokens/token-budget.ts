import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { NameTable } from "../../sdk/bytes/name-table";
import { Slice } from "../../sdk/bytes/slice";
import { Config } from "../../sdk/pipeline/config";
import { HttpContext } from "../../sdk/pipeline/http-context";
import { LastEvent } from "../named-limit";
import { readLastEvent } from "./last-event";

enum Each {
  /** One account for all that counts. */
  None,
  Credential,
  Task,
}

/** A budget of the tenant: what counts towards it, and by which accounts. */
export class TokenBudget {
  private constructor(
    private readonly name: Bytes,
    /** Micro-units of a currency, not tokens. */
    readonly isMoney: bool,
    /** When it is spent, calls are refused. */
    readonly refuses: bool,
    /** The class of calls that a spent one lowers; null: the lowest. */
    readonly lowerTo: Bytes | null,
    /** How a stream ends that is over it. */
    readonly lastEvent: LastEvent,
    private readonly each: Each,
    /** null: all. */
    private readonly credentials: NameTable<bool> | null,
    private readonly tasks: NameTable<bool> | null,
  ) {}

  counts(http: HttpContext, credential: Slice): bool {
    const tasks = this.tasks;
    if (tasks != null && !tasks.has(http.taskid.ptr, http.taskid.len)) return false;
    const credentials = this.credentials;
    return credentials == null || credentials.has(credential.ptr, credential.len);
  }

  /** Writes the name of the account that a call counts in. */
  nameAccount(out: ByteBuffer, http: HttpContext, credential: Slice): void {
    out.clear();
    out.appendBytes(this.name);
    if (this.each == Each.None) return;
    out.appendByte(Char.SLASH);
    if (this.each == Each.Credential) out.append(credential.ptr, credential.len);
    else out.append(http.taskid.ptr, http.taskid.len);
  }

  static read(config: Config): TokenBudget {
    const budget = new TokenBudget(
      bytes(config.text("name")),
      config.choice("unit", ["tokens", "money"]) == 1,
      config.choice("whenSpent", ["refuse", "lower"]) == 0,
      config.has("lowerTo") ? bytes(config.text("lowerTo")) : null,
      readLastEvent(config),
      <Each>config.choice("each", ["none", "credential", "task"]),
      namesOf(config, "credentials"),
      namesOf(config, "tasks"),
    );
    config.finish();
    return budget;
  }
}

function namesOf(config: Config, field: string): NameTable<bool> | null {
  const texts = config.texts(field);
  if (texts.length == 0) return null;
  const names = new NameTable<bool>();
  for (let i = 0; i < texts.length; i++) names.add(bytes(texts[i]), true);
  return names;
}
