import { bytes } from "../sdk/bytes/bytes";
import { Config } from "../sdk/pipeline/config";
import { bytesOf } from "./config-texts";
import { LONGEST_PREFIX, Permissions } from "./permissions";

/** Adds what `tasks` of the configuration allow to a set of permissions. */
export function addGrants(permissions: Permissions, set: i32, tasks: Config[]): void {
  for (let i = 0; i < tasks.length; i++) {
    const config = tasks[i];
    const task = config.text("task");
    const prefix = task.endsWith("*");
    const inspect = config.flag("inspect", false);
    const name = bytes(prefix ? task.substring(0, task.length - 1) : task);
    if (prefix && name.len > LONGEST_PREFIX) {
      config.fault("task", `a prefix has at most ${LONGEST_PREFIX.toString()} bytes`);
    } else permissions.add(set, name, prefix, bytesOf(config.texts("versions")), inspect);
    config.finish();
  }
}
