/** What one credential has in flight of one task, as this VM knows it. Reused for other pairs. */
export class Share {
  /** Hash of the pair. */
  fingerprint: u64 = 0;
  /** Permits that shared data says this VM has, and how many of them requests use. */
  held: i32 = 0;
  used: i32 = 0;
  /** Idle permits that it may keep at hand. */
  spare: i32 = 0;
  entered: bool = false;
  /** In the same slot of the VM's table. */
  next: Share | null = null;
}
