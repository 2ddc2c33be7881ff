import { InvalidArgumentError } from "commander";
import { duration, durationMilliseconds } from "../../api/fields.ts";
import { type ModelRequest, modelRequest } from "../../api/warm-up.ts";
import { parseSlo, type Slo } from "../../serving/loadtest/slo.ts";
import { jsonArgument } from "./task.ts";

/** `name: value`, added to those before. */
export function header(text: string, headers: Record<string, string>): Record<string, string> {
  const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError("must be 'name: value'");
  return { ...headers, [name.toLowerCase()]: value };
}

export function slo(text: string): Slo {
  try {
    return parseSlo(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

export function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("must be a number above 0");
  return value;
}

export function factor(text: string): number {
  const value = Number(text);
  if (!(value > 1)) throw new InvalidArgumentError("must be a number above 1");
  return value;
}

export function percent(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value < 100))
    throw new InvalidArgumentError("must be a percentage from 0 to below 100");
  return value;
}

/** A percentage that a search can come to. */
export function precision(text: string): number {
  const value = percent(text);
  if (value < 0.1) throw new InvalidArgumentError("must be 0.1 or more: no search comes nearer");
  return value;
}

/** A duration above 0, in milliseconds. */
export function stepDuration(text: string): number {
  const milliseconds = duration().safeParse(text).success ? durationMilliseconds(text) : 0;
  if (milliseconds <= 0) throw new InvalidArgumentError("must be a duration such as 10s");
  return milliseconds;
}

export function requestArgument(text: string): ModelRequest {
  const parsed = modelRequest.safeParse(jsonArgument(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new InvalidArgumentError([...(issue?.path ?? []).map(String), issue?.message].join(" "));
}

/** A whole number, 1 or more. */
export function count(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError("must be a whole number, 1 or more");
  return Number(text);
}
