/** What a server makes anew for each call, or measures: no two calls have the same. */
const VOLATILE = new Set(["id", "created", "created_at", "completed_at", "timings", "item_id"]);
/** How much of a prompt the server still had. */
const OF_CACHE = new Set(["prompt_tokens_details", "input_tokens_details", "input_token_details"]);

/** What a client saw of a server that is alive, without ids and times. */
export function steady(seen: unknown): unknown {
  if (Array.isArray(seen)) return seen.map(steady);
  if (typeof seen !== "object" || seen === null) return seen;
  return Object.fromEntries(
    Object.entries(seen)
      .filter(([name]) => !VOLATILE.has(name) && !OF_CACHE.has(name))
      .map(([name, value]) => [name, steady(value)]),
  );
}
