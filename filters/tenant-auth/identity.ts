/** What a request's credential proved. */
export class Identity {
  /** Index of the credential. */
  credential: i32 = -1;
  /**
   * Tasks that a token names, which narrow what its credential may call: (u8 length, pattern) one after the
   * other; 0 bytes long when it names none.
   */
  tasks: usize = 0;
  tasksLen: i32 = 0;
  /** Second since 1970 from which on the proof is void. */
  expires: i64 = i64.MAX_VALUE;

  reset(): void {
    this.credential = -1;
    this.tasks = 0;
    this.tasksLen = 0;
    this.expires = i64.MAX_VALUE;
  }
}
