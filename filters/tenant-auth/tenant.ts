import { Bytes } from "../sdk/bytes/bytes";
import { Mode } from "./mode";

/** A business department, as far as authentication knows it. */
export class Tenant {
  constructor(
    readonly name: Bytes,
    readonly mode: Mode,
    /** Set of what its credentials may call. */
    readonly permissions: i32,
  ) {}
}
