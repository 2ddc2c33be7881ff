import { Bytes, fnv1a } from "../sdk/bytes/bytes";

/** What one set says of one task, or of all tasks with one prefix. */
class Grant {
  next: i32 = -1;
  constructor(
    readonly set: i32,
    /** A prefix is without its `*`. */
    readonly task: Bytes,
    readonly prefix: bool,
    /** Empty: every version. */
    readonly versions: Bytes[],
    /** Does it allow questions about the model server too? */
    readonly inspect: bool,
  ) {}
}

export enum Decision {
  Allowed,
  TaskForbidden,
  VersionForbidden,
}

/** Longest prefix: a set notes the lengths of its prefixes as bits of a word. */
export const LONGEST_PREFIX: i32 = 63;

/**
 * Sets of permissions: a tenant's, or what a credential narrows it to. Hash table from (set, task) to grants,
 * with chains through `Grant.next`; a look-up asks once for the task and once for each length of prefix that
 * the set has.
 */
export class Permissions {
  private readonly grants: Grant[] = [];
  /** Grows with the grants: at least one chain for each. */
  private heads: StaticArray<i32> = new StaticArray<i32>(4).fill(-1);
  private readonly prefixLengths: StaticArray<u64>;

  /** @param sets how many sets there are at most */
  constructor(sets: i32) {
    this.prefixLengths = new StaticArray<u64>(sets);
  }

  private home(set: i32, prefix: bool, hash: u32): i32 {
    return (hash + (set * 2 + i32(prefix)) * 0x9e3779b1) & (this.heads.length - 1);
  }

  /** @param prefix whether `task` is a prefix, at most LONGEST_PREFIX bytes long, without its `*` */
  add(set: i32, task: Bytes, prefix: bool, versions: Bytes[], inspect: bool): void {
    this.grants.push(new Grant(set, task, prefix, versions, inspect));
    if (this.grants.length > this.heads.length) this.grow();
    else this.link(this.grants.length - 1);
    if (prefix) this.prefixLengths[set] |= (<u64>1) << task.len;
  }

  private grow(): void {
    this.heads = new StaticArray<i32>(this.heads.length * 2).fill(-1);
    for (let i = 0; i < this.grants.length; i++) this.link(i);
  }

  private link(index: i32): void {
    const grant = this.grants[index];
    const home = this.home(grant.set, grant.prefix, fnv1a(grant.task.ptr, grant.task.len));
    grant.next = this.heads[home];
    this.heads[home] = index;
  }

  /**
   * May this version of this task be called? No version asked for is allowed wherever the task is.
   * @param inspecting only grants count that allow questions about the model server
   */
  decide(set: i32, task: usize, len: i32, version: usize, versionLen: i32, inspecting: bool): Decision {
    let decision = this.look(set, false, fnv1a(task, len), task, len, version, versionLen, inspecting);
    let lengths = this.prefixLengths[set];
    let hash: u32 = fnv1a(task, 0);
    let hashed = 0;
    while (lengths != 0 && decision != Decision.Allowed) {
      const length = <i32>ctz<u64>(lengths);
      lengths &= lengths - 1;
      if (length > len) break;
      hash = fnv1a(task + hashed, length - hashed, hash);
      hashed = length;
      const found = this.look(set, true, hash, task, length, version, versionLen, inspecting);
      if (found != Decision.TaskForbidden) decision = found;
    }
    return decision;
  }

  private look(
    set: i32,
    prefix: bool,
    hash: u32,
    task: usize,
    len: i32,
    version: usize,
    versionLen: i32,
    inspecting: bool,
  ): Decision {
    let decision = Decision.TaskForbidden;
    for (let i = this.heads[this.home(set, prefix, hash)]; i >= 0; ) {
      const grant = this.grants[i];
      i = grant.next;
      if (grant.set != set || grant.prefix != prefix || !grant.task.equals(task, len)) continue;
      if (inspecting && !grant.inspect) continue;
      const versions = grant.versions;
      if (versions.length == 0 || versionLen == 0) return Decision.Allowed;
      for (let v = 0; v < versions.length; v++) {
        if (versions[v].equals(version, versionLen)) return Decision.Allowed;
      }
      decision = Decision.VersionForbidden;
    }
    return decision;
  }
}
