import { Bytes, fnv1a } from "../sdk/bytes";

/** What one tenant may call of one task. */
class Permission {
  next: i32 = -1;
  constructor(
    readonly tenant: i32,
    readonly taskid: Bytes,
    /** Empty: every version. */
    readonly versions: Bytes[],
  ) {}
}

export enum Decision {
  Allowed,
  TaskForbidden,
  VersionForbidden,
}

/** Hash table from (tenant, taskid) to permission, with chains through `Permission.next`. */
export class PermissionTable {
  private readonly all: Permission[] = [];
  private readonly heads: StaticArray<i32>;

  /** @param count how many permissions there will be at most */
  constructor(count: i32) {
    this.heads = new StaticArray<i32>(1 << (33 - clz<i32>(max(count, 1))));
    for (let i = 0; i < this.heads.length; i++) this.heads[i] = -1;
  }

  private home(tenant: i32, taskid: usize, len: i32): i32 {
    return (fnv1a(taskid, len) + tenant * 0x9e3779b1) & (this.heads.length - 1);
  }

  add(tenant: i32, taskid: Bytes, versions: Bytes[]): void {
    const permission = new Permission(tenant, taskid, versions);
    const home = this.home(tenant, taskid.ptr, taskid.len);
    permission.next = this.heads[home];
    this.heads[home] = this.all.length;
    this.all.push(permission);
  }

  /** May `tenant` call this version of this task? No version asked for is allowed wherever the task is. */
  decide(tenant: i32, taskid: usize, taskidLen: i32, version: usize, versionLen: i32): Decision {
    for (let i = this.heads[this.home(tenant, taskid, taskidLen)]; i >= 0; ) {
      const permission = this.all[i];
      if (permission.tenant == tenant && permission.taskid.equals(taskid, taskidLen)) {
        const versions = permission.versions;
        if (versions.length == 0 || versionLen == 0) return Decision.Allowed;
        for (let v = 0; v < versions.length; v++) {
          if (versions[v].equals(version, versionLen)) return Decision.Allowed;
        }
        return Decision.VersionForbidden;
      }
      i = permission.next;
    }
    return Decision.TaskForbidden;
  }
}
