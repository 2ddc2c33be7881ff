import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { Config } from "../../sdk/pipeline/config";
import { SlabChain } from "../body/slabs";

const ROLE: string = "{role}";
const CONTENT: string = "{content}";

/** A piece of the template of a message: text, or what stands for the message's role or content. */
class Piece {
  constructor(
    readonly text: Bytes,
    readonly isRole: bool,
    readonly isContent: bool,
  ) {}
}

/** How the messages of a chat become the one text that a model takes. */
export class ChatTemplate {
  private readonly pieces: Piece[] = [];

  private constructor(
    private readonly before: Bytes,
    private readonly after: Bytes,
    message: string,
  ) {
    let at = 0;
    while (at < message.length) {
      const role = message.indexOf(ROLE, at);
      const content = message.indexOf(CONTENT, at);
      const isRole = role >= 0 && (content < 0 || role < content);
      const next = isRole ? role : content;
      const end = next < 0 ? message.length : next;
      if (end > at) this.pieces.push(new Piece(bytes(message.substring(at, end)), false, false));
      if (next < 0) break;
      this.pieces.push(new Piece(bytes(""), isRole, !isRole));
      at = end + (isRole ? ROLE.length : CONTENT.length);
    }
  }

  /** Reads the object `chat`, if it is there. */
  static read(config: Config | null): ChatTemplate {
    const before = config != null && config.has("before") ? config.text("before") : "";
    const after = config != null && config.has("after") ? config.text("after") : "assistant:";
    const message = config != null && config.has("message") ? config.text("message") : "{role}: {content}\n";
    if (config != null) config.finish();
    return new ChatTemplate(bytes(before), bytes(after), message);
  }

  /** Appends what stands before the first message. */
  begin(out: SlabChain): void {
    out.appendBytes(this.before);
  }

  /** Appends a message, and takes `content`. */
  append(out: SlabChain, role: ByteBuffer, content: SlabChain): void {
    for (let i = 0; i < this.pieces.length; i++) {
      const piece = this.pieces[i];
      if (piece.isRole) out.append(role.ptr, role.len);
      else if (piece.isContent) appendAll(out, content);
      else out.appendBytes(piece.text);
    }
    content.release();
  }

  /** Appends what stands behind the last message, and has the model answer. */
  end(out: SlabChain): void {
    out.appendBytes(this.after);
  }
}

function appendAll(out: SlabChain, content: SlabChain): void {
  for (let slab = content.firstSlab; slab != 0; slab = content.nextSlab(slab))
    out.append(content.slabData(slab), content.slabLength(slab));
}
