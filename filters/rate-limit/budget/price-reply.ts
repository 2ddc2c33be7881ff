import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { JsonScanner } from "../../sdk/bytes/json-scanner";
import { startPrices } from "./price-table";

const VERSION = bytes("version");
const CURRENCY = bytes("currency");
const TASKS = bytes("tasks");

/** Micro-units of a million tokens: a million of the currency. */
const LARGEST_PRICE: f64 = 1_000_000_000_000;
const LONGEST_NAME: i32 = 256;
const LONGEST_VERSION: i32 = 64;
const MOST_TASKS: i32 = 20_000;
const PRICES_OF_TASK: i32 = 4;

/** The field `prices` of the controller's answer: JSON -> the blob of price-table.ts. */
export class PriceReply {
  /** Empty when the answer had none. */
  readonly table: ByteBuffer = new ByteBuffer();
  private readonly key: ByteBuffer = new ByteBuffer();
  private readonly version: ByteBuffer = new ByteBuffer();
  private readonly currency: ByteBuffer = new ByteBuffer();
  private readonly rows: ByteBuffer = new ByteBuffer();

  clear(): void {
    this.table.clear();
  }

  read(json: JsonScanner): void {
    this.rows.clear();
    this.version.clear();
    this.currency.clear();
    json.enterObject();
    while (json.nextMember(this.key)) {
      if (this.keyIs(VERSION)) json.string(this.version);
      else if (this.keyIs(CURRENCY)) json.string(this.currency);
      else if (this.keyIs(TASKS)) this.readTasks(json);
      else json.skip();
    }
    if (this.version.len == 0 || this.version.len > LONGEST_VERSION || this.currency.len != 3) json.fail();
    if (json.failed) return;
    startPrices(this.table, this.version, this.currency);
    this.table.append(this.rows.ptr, this.rows.len);
  }

  /** Gives the memory back. */
  free(): void {
    this.table.free();
    this.key.free();
    this.version.free();
    this.currency.free();
    this.rows.free();
  }

  private keyIs(name: Bytes): bool {
    return name.equals(this.key.ptr, this.key.len);
  }

  private readTasks(json: JsonScanner): void {
    const rows = this.rows;
    let count = 0;
    json.enterObject();
    while (json.nextMember(this.key)) {
      const name = this.key;
      if (name.len == 0 || name.len > LONGEST_NAME || ++count > MOST_TASKS) {
        json.fail();
        return;
      }
      json.enterArray();
      let prices = 0;
      for (; json.nextElement(); prices++) {
        const price = json.number();
        if (!(price >= 0 && price <= LARGEST_PRICE && Math.floor(price) == price)) json.fail();
        rows.reserve(8);
        store<u64>(rows.end, <u64>price);
        rows.len += 8;
      }
      if (prices != PRICES_OF_TASK) json.fail();
      rows.reserve(2);
      store<u16>(rows.end, <u16>name.len);
      rows.len += 2;
      rows.append(name.ptr, name.len);
    }
  }
}
