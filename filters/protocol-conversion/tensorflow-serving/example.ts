import { ENTRY_KEY, ENTRY_VALUE } from "../../model-protocol/open-inference-fields";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { appendField, appendTag, appendVarint, fieldSize, LENGTH_DELIMITED } from "../../sdk/bytes/protobuf";
import { SlabChain } from "../body/slabs";
import { LongField } from "../protobuf/long-field";

/** Which list of a `tensorflow.Feature` holds its values, by the list's field number. */
export enum Kind {
  /** No value came yet. */
  None,
  Bytes,
  Floats,
  Integers,
}

const EXAMPLE_FEATURES: i32 = 1;
const FEATURES_FEATURE: i32 = 1;
const LIST_VALUE: i32 = 1;

const head: ByteBuffer = new ByteBuffer();
const number: ByteBuffer = new ByteBuffer();

/** Composes a `tensorflow.Example` (tensorflow/core/example/example.proto) feature by feature. */
export class Example {
  private readonly name: ByteBuffer = new ByteBuffer();
  private kind: Kind = Kind.None;
  /** Values of the current feature: packed numbers, or of bytes the fields `value` themselves. */
  readonly values: SlabChain = new SlabChain();
  private readonly text: LongField = new LongField();
  /** Entries of the map of features. */
  private readonly features: SlabChain = new SlabChain();

  release(): void {
    this.values.release();
    this.features.release();
  }

  startFeature(ptr: usize, len: i32): void {
    this.name.clear();
    this.name.append(ptr, len);
    this.kind = Kind.None;
  }

  /** A value of `kind` follows. @returns false when the feature has values of another kind */
  expect(kind: Kind): bool {
    if (this.kind == Kind.None) this.kind = kind;
    return this.kind == kind;
  }

  startText(): void {
    this.text.open(this.values, LIST_VALUE);
  }

  endText(): void {
    this.text.close(this.values);
  }

  appendFloat(value: f32): void {
    store<f32>(scratch, value);
    this.values.append(scratch, 4);
  }

  appendInteger(value: i64): void {
    number.clear();
    appendVarint(number, value);
    this.values.append(number.ptr, number.len);
  }

  endFeature(): void {
    const name = this.name;
    const values = this.values.length;
    const packed = this.kind != Kind.Bytes;
    const list = packed && values > 0 ? fieldSize(LIST_VALUE, values) : values;
    const feature = this.kind == Kind.None ? 0 : fieldSize(this.kind, list);
    head.clear();
    appendTag(head, FEATURES_FEATURE, LENGTH_DELIMITED);
    appendVarint(head, fieldSize(ENTRY_KEY, name.len) + fieldSize(ENTRY_VALUE, feature));
    appendField(head, ENTRY_KEY, name.ptr, name.len);
    appendTag(head, ENTRY_VALUE, LENGTH_DELIMITED);
    appendVarint(head, feature);
    if (this.kind != Kind.None) {
      appendTag(head, this.kind, LENGTH_DELIMITED);
      appendVarint(head, list);
      if (packed) {
        appendTag(head, LIST_VALUE, LENGTH_DELIMITED);
        appendVarint(head, values);
      }
    }
    this.features.append(head.ptr, head.len);
    this.features.take(this.values);
  }

  /** Moves the example to `out` as the field `field` of a message. */
  end(field: i32, out: SlabChain): void {
    const features = this.features.length;
    head.clear();
    appendTag(head, field, LENGTH_DELIMITED);
    appendVarint(head, fieldSize(EXAMPLE_FEATURES, features));
    appendTag(head, EXAMPLE_FEATURES, LENGTH_DELIMITED);
    appendVarint(head, features);
    out.append(head.ptr, head.len);
    out.take(this.features);
  }
}

const scratch: usize = memory.data(8);
