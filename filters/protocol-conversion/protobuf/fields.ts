import { Field, Kind, Message } from "./message-json";

/** Fields of messages, by what they hold: number, name. */

export function text(number: i32, name: string): Field {
  return new Field(number, name, Kind.String);
}

/** A signed integer, or an unsigned one of 32 bits. */
export function integer(number: i32, name: string): Field {
  return new Field(number, name, Kind.Int64);
}

/** An unsigned integer of 64 bits. */
export function count(number: i32, name: string): Field {
  return new Field(number, name, Kind.Uint64);
}

export function flag(number: i32, name: string): Field {
  return new Field(number, name, Kind.Bool);
}

export function float(number: i32, name: string): Field {
  return new Field(number, name, Kind.Float);
}

export function double(number: i32, name: string): Field {
  return new Field(number, name, Kind.Double);
}

/** @param names of the values, in the order of their numbers from 0 */
export function choice(number: i32, name: string, names: string[]): Field {
  return new Field(number, name, Kind.Enum).named(names);
}

export function part(number: i32, name: string, message: Message): Field {
  return new Field(number, name, Kind.Message).of(message);
}
