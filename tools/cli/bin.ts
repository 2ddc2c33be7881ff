#!/usr/bin/env node
// What npm links as `modelgate`: it runs on any Node that has modules, and loads the command only where that
// can run.
const OLDEST = [22, 15] as const;
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) await import("./modelgate.ts");
else {
  console.error(
    `modelgate: Node ${process.versions.node} is too old: install Node ${OLDEST.join(".")} or newer`,
  );
  process.exitCode = 1;
}
