const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const SMALL = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const WHOLE = new Intl.NumberFormat("en");

type Zone = "local" | "utc";
let zone: Zone = "local";
let formats = formatsOf("local");

function formatsOf(of: Zone) {
  const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  const zoned = of === "utc" ? { timeZone: "UTC" } : {};
  return {
    clock: new Intl.DateTimeFormat("en-GB", { ...time, ...zoned }),
    seconds: new Intl.DateTimeFormat("en-GB", { ...time, second: "2-digit", ...zoned }),
    day: new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", ...time, ...zoned }),
  };
}

/** From now on all times are of this zone. */
export function setZone(of: Zone): void {
  zone = of;
  formats = formatsOf(of);
}

/** The zone by its name, such as UTC or Europe/Berlin. */
export function zoneName(of: Zone = zone): string {
  return of === "utc" ? "UTC" : new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** 1234 -> 1.2K */
export function count(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (value !== 0 && Math.abs(value) < 0.01) return "<0.01";
  return Math.abs(value) < 1000 ? SMALL.format(value) : COMPACT.format(value);
}

/** 1234 -> 1,234 */
export function whole(value: number): string {
  return WHOLE.format(value);
}

/** 0.0123 -> 1.23 % */
export function percent(ratio: number | null | undefined): string {
  if (ratio === null || ratio === undefined || Number.isNaN(ratio)) return "–";
  if (ratio > 0 && ratio < 0.0001) return "<0.01 %";
  return `${SMALL.format(Math.round(ratio * 1e4) / 100)} %`;
}

/** Milliseconds: 1234 -> 1.23 s */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return "–";
  return ms < 1000 ? `${SMALL.format(ms)} ms` : `${SMALL.format(ms / 1000)} s`;
}

export function bytes(value: number): string {
  const power = value < 1 ? 0 : Math.min(5, Math.floor(Math.log10(value) / 3));
  return `${SMALL.format(value / 1000 ** power)} ${["B", "kB", "MB", "GB", "TB", "PB"][power]}`;
}

export function clock(ms: number): string {
  return formats.clock.format(ms);
}

export function seconds(ms: number): string {
  return formats.seconds.format(ms);
}

export function dayAndClock(ms: number): string {
  return formats.day.format(ms);
}
