import { ATTACKS, type AttackName } from "./attacks.ts";

/** One client that attacks until SIGTERM: `node attacker.ts KIND PORT`. Prints "on", and at the end what it did. */
const [kind, port] = process.argv.slice(2);
const over = new AbortController();
process.once("SIGTERM", () => over.abort());
const done: Record<string, number> = {};
const count = (what: string, by = 1) => {
  done[what] = (done[what] ?? 0) + by;
};
const attack = ATTACKS[kind as AttackName];
console.log("on");
await attack({ port: Number(port), count, signal: over.signal });
console.log(JSON.stringify(done));
process.exit(0);
