import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Command, InvalidArgumentError, Option } from "commander";
import { instant } from "../../../api/fields.ts";
import { type Explanation, explain } from "../../../cluster/credentials/explain.ts";
import { readVerifyConfig, type VerifyConfigOptions } from "../../../cluster/credentials/verify-config.ts";
import type { HeaderList } from "../../../lib/host/header-pairs.ts";
import { table } from "../../../lib/terminal/table.ts";
import { modulePath } from "../../../lib/wasm/modules.ts";
import { readModule } from "../../../lib/wasm/read.ts";
import { secretsOption } from "../../options/render.ts";
import { answering } from "../../output/answer.ts";

interface VerifyOptions extends VerifyConfigOptions {
  header: string[];
  method?: string;
  path: string;
  body?: string;
  certificate?: string;
  at?: string;
  output?: "json";
}

/** Exit codes: 0 allowed, 1 refused, 2 wrong usage or configuration. */
export function verifyCommand(): Command {
  const command = new Command("verify")
    .description(
      "Show offline whether a gateway would allow a request, and why not. Exit codes: 0 allowed, 1 refused, 2 error",
    )
    .requiredOption(
      "-f, --config <path...>",
      "Tenants and ModelTasks, or a plug-in configuration (also in a WasmPlugin); - reads stdin",
    )
    .option(
      "-H, --header <header>",
      "header of the request as `name: value`, or @file with one per line; repeatable",
      (header: string, list: string[]) => [...list, header],
      [],
    )
    .option("-X, --method <method>", "method (default: GET; POST with a body)")
    .option("--path <path>", "path and query", "/")
    .option("--host <host>", "host of the request (default: one of the Tenant's)")
    .option("--body <file>", "body of the request, for signatures")
    .option("--certificate <file>", "certificate of the caller (PEM)")
    .option("--at <time>", "time of the request, RFC 3339 (default: now)", time)
    .option("--tenant <name>", "name of the Tenant, if there are several (default: by the host)")
    .option("--jwks <file>", "key set for issuers whose keys the gateway fetches")
    .addOption(secretsOption())
    .addOption(new Option("-o, --output <format>", "output format").choices(["json"]));
  return answering(command, async (options: VerifyOptions) => (await verify(options)).allowed);
}

function time(text: string): string {
  if (!instant().safeParse(text).success)
    throw new InvalidArgumentError("must be a time such as 2027-01-31T00:00:00Z (RFC 3339)");
  return text;
}

async function verify(options: VerifyOptions): Promise<Explanation> {
  await readModule("tenant-auth");
  const { tenantAuth, host, notes } = await readVerifyConfig(options);
  const { method, path, body, certificate, at } = options;
  const explanation = explain(modulePath("tenant-auth"), tenantAuth, {
    method: (method ?? (body === undefined ? "GET" : "POST")).toUpperCase(),
    path,
    host: options.host ?? host ?? "gateway.example",
    headers: await readHeaders(options.header),
    ...(body !== undefined && { body: await readFile(body) }),
    ...(certificate !== undefined && { certificate: await readCertificate(certificate) }),
    at: at === undefined ? Date.now() : Date.parse(at),
  });
  for (const note of notes) console.error(`note: ${note}`);
  process.stdout.write(
    options.output === "json" ? `${JSON.stringify(explanation, null, 2)}\n` : asText(explanation),
  );
  return explanation;
}

async function readHeaders(options: string[]): Promise<HeaderList> {
  const lines: string[] = [];
  for (const option of options) {
    if (option.startsWith("@")) lines.push(...(await readFile(option.slice(1), "utf8")).split(/\r?\n/));
    else lines.push(option);
  }
  return lines
    .filter((line) => line !== "")
    .map((line) => {
      const colon = line.indexOf(":");
      // The line may be the credential itself, so it is not shown.
      if (colon <= 0) throw new Error("a header must be `name: value`");
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    });
}

async function readCertificate(file: string): Promise<X509Certificate> {
  const text = await readFile(file);
  try {
    return new X509Certificate(text);
  } catch {
    throw new Error(`${file}: is no certificate`);
  }
}

function asText({ allowed, mode, status, reason, meaning, advice, steps }: Explanation): string {
  const decision =
    mode === "off"
      ? "allowed: nothing is checked (mode off)"
      : mode === "dryRun"
        ? `allowed in a dry run; it would be refused: ${reason}`
        : allowed
          ? "allowed"
          : `refused: ${status} ${reason}`;
  const lines = [decision];
  if (meaning !== undefined) lines.push(`  why: ${meaning}`);
  if (advice !== undefined) lines.push(`  do:  ${advice}`);
  const rows = steps.map(({ step, result, detail }) => [step, result, detail]);
  const shown = rows.length > 0 ? `\n${table(["step", "result", "detail"], rows)}` : "";
  return `${lines.join("\n")}\n${shown}`;
}
