import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pino } from "pino";
import { beforeEach, expect, it } from "vitest";
import { SenderTokens } from "../../../tools/servers/collector/http/sender-tokens.ts";
import { logLine, toText } from "../../support/collector/log-lines.ts";
import { startTestCollector, testFolder } from "../../support/collector/start.ts";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await testFolder();
  file = join(folder, "tokens");
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const batch = toText([logLine()]);

it("takes batches of senders with one of the tokens only", async () => {
  await writeFile(file, "# edge\nfirst-token\n\n  second.token== \r\n");
  const collector = await startTestCollector(folder, { senderTokens: await SenderTokens.open(file) });
  for (const token of ["first-token", "second.token=="])
    expect((await collector.post(toText([logLine()]), bearer(token))).status).toBe(200);
  await expect.poll(() => collector.requests()).toBe(2);
  const missing = await collector.post(batch);
  expect([missing.status, missing.headers.get("www-authenticate")]).toEqual([
    401,
    'Bearer realm="modelgate collector"',
  ]);
  expect(await missing.json()).toMatchObject({ reason: "credential_missing" });
  for (const token of ["third", "first-toke", "first-token2", "# edge", "FIRST-TOKEN"]) {
    const refused = await collector.post(batch, bearer(token));
    const answer = await refused.text();
    expect([refused.status, answer]).toEqual([401, expect.stringMatching(/"credential_(unknown|missing)"/)]);
    expect(answer).not.toContain(token);
  }
  expect(await collector.requests()).toBe(2);
  expect((await fetch(`${collector.url}/readyz`)).status).toBe(200);
});

it("reads the file again, and keeps the tokens when it is no good any more", async () => {
  await writeFile(file, "old\n");
  const said: string[] = [];
  const collector = await startTestCollector(folder, {
    senderTokens: await SenderTokens.open(file),
    tokensMs: 10,
    log: pino({ level: "warn" }, { write: (line: string) => void said.push(line) }),
  });
  const status = async (token: string) => (await collector.post(batch, bearer(token))).status;
  expect(await status("new")).toBe(401);
  await writeFile(`${file}.tmp`, "new\n");
  await rename(`${file}.tmp`, file);
  await expect.poll(() => status("new")).toBe(200);
  expect(await status("old")).toBe(401);
  await writeFile(file, "");
  await expect.poll(() => said.join("")).toContain("holds no token");
  expect(await status("new")).toBe(200);
});

it.each([
  ["", "holds no token"],
  ["# none\n", "holds no token"],
  ["good\nsecret with spaces\n", ":2: is no token"],
])("refuses the file %j", async (text, message) => {
  await writeFile(file, text);
  const error = await SenderTokens.open(file).catch((error: Error) => error.message);
  expect(error).toContain(`${file}${message.startsWith(":") ? "" : ": "}${message}`);
  expect(error).not.toContain("spaces");
});

it("refuses a file that is not there", async () => {
  await expect(SenderTokens.open(file)).rejects.toThrow(file);
});
