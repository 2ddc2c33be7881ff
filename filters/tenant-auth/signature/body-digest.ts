import { StreamPool } from "../../sdk/pipeline/stream-pool";
import { StreamState } from "../../sdk/pipeline/stream-state";
import { equalDigests } from "../crypto/equal-digests";
import { SHA256_SIZE, SHA256_STATE, sha256Finish, sha256Start, sha256Update } from "../crypto/sha256";

const pool: StreamPool<BodyDigest> = new StreamPool<BodyDigest>();
const digest: usize = memory.data(SHA256_SIZE, 8);

/** The SHA-256 of a body as it passes, to be compared with the signed one. Reused for later streams. */
export class BodyDigest extends StreamState {
  /** Is a body that differs refused, and not only noted? */
  enforced: bool = true;
  private readonly memory: StaticArray<u8> = new StaticArray<u8>(SHA256_STATE + SHA256_SIZE);

  private get state(): usize {
    return changetype<usize>(this.memory);
  }

  add(ptr: usize, len: i32): void {
    sha256Update(this.state, ptr, len);
  }

  /** The body is over. @returns whether it is the one that was signed */
  matches(): bool {
    sha256Finish(this.state, digest);
    return equalDigests(digest, this.state + SHA256_STATE);
  }

  release(): void {
    pool.release(this);
  }

  /** @param signed the 32 bytes that the body's digest must be */
  start(signed: usize): void {
    sha256Start(this.state);
    memory.copy(this.state + SHA256_STATE, signed, SHA256_SIZE);
  }
}

export function takeBodyDigest(signed: usize): BodyDigest {
  const body = pool.take();
  body.start(signed);
  return body;
}
