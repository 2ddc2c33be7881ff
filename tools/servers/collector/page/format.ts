const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const SMALL = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const SECONDS = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY_TIME = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});

/** 1234 -> 1.2K */
export function count(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (value !== 0 && Math.abs(value) < 0.01) return "<0.01";
  return Math.abs(value) < 1000 ? SMALL.format(value) : COMPACT.format(value);
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
  return TIME.format(ms);
}

export function seconds(ms: number): string {
  return SECONDS.format(ms);
}

export function dayAndClock(ms: number): string {
  return DAY_TIME.format(ms);
}
