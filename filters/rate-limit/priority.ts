import { Bytes, bytes } from "../sdk/bytes/bytes";
import { NameTable } from "../sdk/bytes/name-table";
import { Slice } from "../sdk/bytes/slice";
import { Config } from "../sdk/pipeline/config";
import { HttpContext } from "../sdk/pipeline/http-context";

const value: Slice = new Slice();

/**
 * Classes of requests, the most important first, each with a share of every bucket that is kept for it. A
 * class may take tokens only as long as the shares of those above it stay in the bucket (trunk reservation,
 * as in telephony), so when tokens get scarce the lowest class is refused first, and the highest last.
 */
export class Priority {
  private header: Bytes | null = null;
  /** Part of each bucket that the class of this name, or of this credential, leaves to higher classes. */
  private readonly classes: NameTable<f64> = new NameTable<f64>();
  private readonly credentials: NameTable<f64> = new NameTable<f64>();
  private fallback: f64 = 0;
  /** What the lowest class leaves. */
  largestReserve: f64 = 0;

  /**
   * Part of each bucket, 0 to 1, that a request must leave to others. A credential's class comes before what
   * the header says; an unknown word in the header counts as none.
   */
  reserveOf(http: HttpContext): f64 {
    if (this.classes.count == 0) return 0;
    if (this.credentials.count > 0) {
      http.findCredential(value);
      const own = this.credentials.findOr(value.ptr, value.len, -1);
      if (own >= 0) return own;
    }
    const header = this.header;
    if (header == null || http.headers.find(header, value) == 0) return this.fallback;
    return this.classes.findOr(value.ptr, value.len, this.fallback);
  }

  /** As `reserveOf`, of the class of this name; null or an unknown name: the lowest. */
  reserveOfClass(name: Bytes | null): f64 {
    return name == null ? this.largestReserve : this.classes.findOr(name.ptr, name.len, this.largestReserve);
  }

  /** Reads `priority`; absent: all requests are alike. */
  static read(parent: Config): Priority {
    const priority = new Priority();
    const config = parent.object("priority");
    if (config == null) return priority;
    if (config.has("header")) priority.header = bytes(config.headerName("header"));
    const classes = config.objects("classes");
    let reserve: f64 = 0;
    for (let i = 0; i < classes.length; i++) {
      const each = classes[i];
      if (!priority.classes.add(bytes(each.text("class")), reserve)) each.fault("class", "is there already");
      const ids = each.texts("credentials");
      for (let c = 0; c < ids.length; c++) {
        if (!priority.credentials.add(bytes(ids[c]), reserve))
          each.fault(`credentials[${c.toString()}]`, "has a class already");
      }
      priority.largestReserve = reserve;
      reserve += each.number("share", 0, 0);
      each.finish();
    }
    if (classes.length == 0) config.fault("classes", "needs at least one class");
    // Shares are percents divided by 100, and rounded.
    if (reserve > 1 + 1e-9) config.fault("classes", "the shares add up to more than 1");
    const name = bytes(config.text("default"));
    if (!priority.classes.has(name.ptr, name.len)) config.fault("default", "must be one of the classes");
    priority.fallback = priority.classes.findOr(name.ptr, name.len, 0);
    config.finish();
    return priority;
  }
}
