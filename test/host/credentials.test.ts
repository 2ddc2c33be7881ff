import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { credentialsCommand } from "../../tools/cli/commands/credentials.ts";
import { renderCommand } from "../../tools/cli/commands/render.ts";
import { attacker, bearer, type Call, digestOf, ISSUER, jwk, jwt, KEY, signed } from "../support/auth.ts";
import { authSecret, authTasks, authTenant } from "../support/auth-tenant.ts";
import { isKey } from "../support/is-key.ts";
import { modelgate, runHere } from "../support/modelgate.ts";

/** `modelgate credentials`; what it wrote is judged by the real filter, through `verify`. */

const TENANT = `# Search department.
apiVersion: modelgate.dev/v1alpha1
kind: Tenant
metadata: { name: search }
spec:
  namespaces: [search]
  gateway: { name: gw, namespace: edge, hosts: ["*.search.example"] }
  # Who may call.
  credentials:
    - id: old # of 2025
      sha256: ${digestOf(KEY)}

  tasks:
    - task: "666"
    - task: search-*
`;

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "modelgate-credentials-"));
  file = join(folder, "tenant.yaml");
  await writeFile(file, TENANT, { mode: 0o640 });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = (...args: string[]) => runHere(credentialsCommand(), args);
const render = (...args: string[]) => runHere(renderCommand(), args);
const own = (...args: string[]) => modelgate(["credentials", ...args]);
const text = () => readFile(file, "utf8");
const spec = async () => parse(await text()).spec;

async function verify({ method, path, headers, body }: Call, ...more: string[]) {
  const args = headers.flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  if (body !== undefined) {
    const bodyFile = join(folder, "body");
    await writeFile(bodyFile, body);
    args.push("--body", bodyFile);
  }
  if (method) args.push("-X", method);
  args.push("--path", path ?? "/v2/models/m/infer", ...more);
  if (!more.includes("-f")) args.push("-f", file);
  return run("verify", ...args);
}

const withKey = (key: string, taskid = "666"): Call => ({
  headers: [
    ["x-api-key", key],
    ["taskid", taskid],
  ],
});

it("in processes of its own: exit codes, and the key on stdout alone", async () => {
  const { code, stdout, stderr } = await own("create", "app", "-f", file);
  expect([code, isKey(stdout.trim()), stderr.includes(stdout.trim())]).toEqual([0, true, false]);
  const twice = await own("create", "app", "-f", file);
  expect([twice.code, twice.stdout]).toEqual([1, ""]);
  expect(twice.stderr).toMatch(/^modelgate: Tenant search has a credential app already/);
  const present = (key: string) => own("verify", "-f", file, "-H", `x-api-key: ${key}`, "-H", "taskid: 666");
  expect((await present(stdout.trim())).code).toBe(0);
  expect((await present("wrong")).code).toBe(1);
  expect((await own("verify")).code).toBe(2);
  expect((await own("revoke", "app", "-f", file)).code).toBe(0);
  expect((await present(stdout.trim())).code).toBe(1);
});

describe("create", () => {
  it("shows the key once, keeps its digest, and the file as it was", async () => {
    const { code, stdout, stderr } = await run("create", "app", "-f", file, "--tasks", "666,search-a*");
    expect([code, stdout.endsWith("\n"), isKey(stdout.trim())]).toEqual([0, true, true]);
    const key = stdout.trim();
    expect(stderr).not.toContain(key);
    expect(await text()).toBe(
      TENANT.replace(
        "\n\n  tasks:",
        `\n    - id: app\n      sha256: ${digestOf(key)}\n      tasks:\n        - task: "666"\n        - task: search-a*\n\n  tasks:`,
      ),
    );
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    expect(await readdir(folder)).toEqual(["tenant.yaml"]);
    expect((await verify(withKey(key))).code).toBe(0);
    expect((await verify(withKey(key, "search-b"))).stdout).toContain("refused: 403 task_forbidden");
  });

  it("a signing key goes to a Secret alone, and signs", async () => {
    const { code, stdout } = await run("create", "Batch_1", "--type", "hmac", "-f", file);
    expect(code).toBe(0);
    const secret = parse(stdout);
    expect(secret).toMatchObject({ kind: "Secret", metadata: { name: "search-batch-1", namespace: "edge" } });
    expect(await text()).not.toContain(secret.stringData.key);
    const secrets = join(folder, "secret.yaml");
    await writeFile(secrets, stdout);
    const request = { headers: [["taskid", "666"]] as [string, string][], body: "{}" };
    const call = signed(request, { secret: Buffer.from(secret.stringData.key), keyid: "search/Batch_1" });
    expect((await verify(call, "--secrets", secrets)).code).toBe(0);
    const { code: refused, stdout: said, stderr } = await verify(call);
    expect([refused, said.split("\n", 1)[0]]).toEqual([1, "refused: 401 signature_wrong"]);
    expect(stderr).toContain("--secrets");
  });

  it("narrows by all that there is", async () => {
    const options = [
      ["--versions", "v1"],
      ["--methods", "get,post"],
      ["--hosts", "a.search.example"],
      ["--not-before", "2026-01-01T00:00:00Z"],
      ["--not-after", "90d"],
      ["--secret", "for-app", "-n", "app"],
      ["-o", "json"],
    ].flat();
    const { stdout } = await run("create", "app", "-f", file, ...options);
    const secret = JSON.parse(stdout);
    expect(secret.metadata).toMatchObject({ name: "for-app", namespace: "app" });
    const { notAfter, ...created } = (await spec()).credentials[1];
    expect(created).toEqual({
      id: "app",
      sha256: digestOf(secret.stringData.key),
      tasks: [{ task: "*", versions: ["v1"] }],
      methods: ["GET", "POST"],
      hosts: ["a.search.example"],
      notBefore: "2026-01-01T00:00:00Z",
    });
    const days = (Date.parse(notAfter) - Date.now()) / 86_400_000;
    expect(Math.round(days)).toBe(90);
  });

  it("a dry run changes and shows nothing", async () => {
    const { code, stdout } = await run("create", "app", "-f", file, "--dry-run", "client");
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^id: app\nsha256: [0-9a-f]{64}\n$/)]);
    expect(await text()).toBe(TENANT);
  });

  it("certificates and tokens", async () => {
    const subject = "spiffe://cluster.local/ns/search/sa/batch";
    expect(
      (await run("create", "pod", "--type", "certificate", "--subject", subject, "-f", file)).stdout,
    ).toBe("");
    expect((await spec()).credentials[1]).toEqual({ id: "pod", type: "certificate", subject });
    const token = await run("create", "t", "--type", "token", "--issuer", ISSUER, "-f", file);
    expect([token.code, token.stderr]).toEqual([1, expect.stringContaining("is no issuer of the tenant")]);
  });

  it.each<[string, string[], string]>([
    ["an id that is there", ["old"], "has a credential old already"],
    ["an id that is none", ["a b"], "spec.credentials[1].id: must be 1 to 128 of the characters"],
    ["a task that is none", ["a", "--tasks", "a/b"], "tasks[0].task: must be a task id"],
    ["another tenant", ["a", "--tenant", "ads"], 'there is no Tenant "ads" here (there is search)'],
    ["a time that is none", ["a", "--not-after", "soon"], "or a span from now such as 90d"],
    [
      "an end before the beginning",
      ["a", "--not-before", "2d", "--not-after", "1d"],
      "must be later than notBefore",
    ],
    [
      "a signing key elsewhere",
      ["a", "--type", "hmac", "-n", "x"],
      "must be in the gateway's namespace edge",
    ],
    ["a certificate of no name", ["a", "--type", "certificate"], "--subject or --certificate"],
  ])("refuses %s", async (_name, args, message) => {
    const { code, stdout, stderr } = await run("create", ...args, "-f", file);
    expect([code, stdout, stderr]).toEqual([1, "", expect.stringContaining(message)]);
    expect(await text()).toBe(TENANT);
  });

  it("JSON stays JSON", async () => {
    const json = join(folder, "tenant.json");
    await writeFile(json, JSON.stringify(parse(TENANT), null, 4));
    await run("create", "app", "-f", json);
    const after = await readFile(json, "utf8");
    expect(JSON.parse(after).spec.credentials).toHaveLength(2);
    expect(after).toContain('\n    "kind"');
  });
});

describe("rotate and revoke", () => {
  it("both keys work through the grace, then the new one alone; a revoked one never", async () => {
    const { code, stdout, stderr } = await run("rotate", "old", "-f", file, "--grace", "7d");
    expect([code, stderr]).toEqual([0, expect.stringContaining("old-2 takes the place of old")]);
    const key = stdout.trim();
    const later = new Date(Date.now() + 8 * 86_400_000).toISOString();
    expect((await verify(withKey(KEY))).code).toBe(0);
    expect((await verify(withKey(key))).code).toBe(0);
    expect((await verify(withKey(KEY), "--at", later)).stdout).toContain("credential_expired");
    expect((await verify(withKey(key), "--at", later)).code).toBe(0);

    const revoked = await run("revoke", "old-2", "-f", file, "--reason", "laptop: lost");
    expect([revoked.code, revoked.stdout]).toEqual([0, `credential old-2 revoked in ${file}\n`]);
    expect((await verify(withKey(key))).stdout).toContain("refused: 401 credential_revoked");
    expect((await verify(withKey(KEY))).code).toBe(0);
    const before = await text();
    expect(before).toContain('reason: "laptop: lost"');
    expect(before).toContain("- id: old # of 2025");
    expect((await run("revoke", "old-2", "-f", file)).stdout).toBe("credential old-2 is revoked already\n");
    expect(await text()).toBe(before);
    expect((await run("rotate", "old-2", "-f", file)).stderr).toContain("old-2 is revoked: make a new one");
  });

  it("each digest of a revocation refuses by itself", async () => {
    await run("revoke", "old", "-f", file);
    const { revoked } = await spec();
    expect(revoked).toHaveLength(2);
    for (const digest of revoked) {
      await writeFile(file, `${TENANT}  revoked: [${digest}]\n`);
      expect((await verify(withKey(KEY))).stdout).toContain("credential_revoked");
    }
  });

  it("a token by its jti", async () => {
    const tenant = { ...authTenant, spec: { ...authTenant.spec, revoked: [] } };
    await writeFile(file, stringify(tenant));
    const claims = { iss: ISSUER, aud: "models", sub: "batch", exp: 4e9, jti: "j-1" };
    const call = bearer(jwt({ claims }));
    expect((await verify(call)).code).toBe(0);
    const { code, stderr } = await run("revoke", "-f", file, "--jti", "j-1", "--issuer", ISSUER);
    expect(code, stderr).toBe(0);
    const { code: refused, stdout } = await verify(call);
    expect([refused, stdout]).toEqual([1, expect.stringContaining("token_revoked")]);
    expect(stdout).not.toContain("eyJ");
  });

  it.each<[string, string[], string]>([
    ["nobody", ["revoke", "odl"], 'has no credential "odl" (did you mean old?)'],
    ["nothing", ["revoke"], "name a credential, or a token with --jti"],
    [
      "a token of no issuer",
      ["revoke", "--jti", "a", "--issuer", "b"],
      "b is no issuer of Tenant search (it has none)",
    ],
    ["half a token", ["revoke", "--jti", "a"], "--jti and --issuer go together"],
    ["a grace that is none", ["rotate", "old", "--grace", "week"], "must be a span such as"],
  ])("refuses %s", async (_name, args, message) => {
    const { code, stderr } = await run(...args, "-f", file);
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
    expect(await text()).toBe(TENANT);
  });
});

it("list tells the state, and neither key nor whole digest", async () => {
  await writeFile(file, stringify(authTenant));
  const { stdout } = await run("list", "-f", file);
  for (const row of [
    /^ID +TYPE +TENANT +TASKS +VALID UNTIL +STATE$/m,
    /^a +apiKey +search +666,v=v1\|v2,search-\*,search-secret=none +- +active$/m,
    /^revoked-by-id .* revoked$/m,
    /^disabled .* disabled$/m,
    /^expired .* 2020-01-01T00:00:00Z +expired$/m,
    /^future .* not yet valid$/m,
    /^signer +hmac /m,
    /^batch +token /m,
    /^pod +certificate /m,
  ])
    expect(stdout).toMatch(row);
  const wide = await run("list", "-f", file, "-o", "wide");
  expect(wide.stdout).toContain("spiffe://cluster.local/ns/search/sa/batch");
  const { stdout: json } = await run("list", "-f", file, "-o", "json");
  expect(JSON.parse(json)).toHaveLength(authTenant.spec.credentials.length);
  for (const each of [stdout, json, wide.stdout]) expect(each).not.toMatch(/[0-9a-f]{64}/);
});

describe("verify", () => {
  const steps = async (call: Call, ...more: string[]) =>
    JSON.parse((await verify(call, "-o", "json", ...more)).stdout);

  it("tells each step, and gives the credential away nowhere", async () => {
    const { code, stdout, stderr } = await verify(withKey(KEY, "667"));
    expect(code).toBe(1);
    expect(stdout).toMatch(/^credential +ok +API key in x-api-key \(sha256 [0-9a-f]{4}\.\.\.\)$/m);
    expect(stdout).toMatch(/^proof +ok +credential old of tenant search$/m);
    expect(stdout).toMatch(/^task +refused +"667" \(the tenant may call 666, search-\*\)$/m);
    expect(stdout).toMatch(/^version +not checked$/m);
    expect(stdout + stderr).not.toContain(KEY.slice(0, 20));
  });

  it("takes plug-in configurations, also in what render prints", async () => {
    const image = `oci://r.example/gateway@sha256:${"a".repeat(64)}`;
    const { stdout } = await render("-f", file, "--image", image);
    const args = ["verify", "-f", "-", "-H", `x-api-key: ${KEY}`, "-H", "taskid: 666"];
    expect((await modelgate(["credentials", ...args], stdout)).code).toBe(0);
    const plain = JSON.stringify({ tenantAuth: { mode: "off", tenants: [] } });
    const off = await modelgate(["credentials", "verify", "-f", "-"], plain);
    expect([off.code, off.stdout]).toEqual([0, "allowed: nothing is checked (mode off)\n"]);
    const bad = await modelgate(["credentials", "verify", "-f", "-"], plain.replace("off", "on"));
    expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining("tenantAuth.mode: must be one of")]);
  });

  it("every kind of credential", async () => {
    const secrets = join(folder, "secrets.yaml");
    await writeFile(file, [authTenant, ...authTasks].map((each) => stringify(each)).join("---\n"));
    await writeFile(secrets, stringify(authSecret));
    const token = await steps(bearer(jwt()));
    expect(token.steps[1].detail).toBe("credential batch of tenant search");
    const call = signed({ headers: [["taskid", "666"]], body: "{}" });
    expect(await steps(call, "--secrets", secrets)).toMatchObject({ allowed: true });
    expect(await steps({ ...call, body: "{ }" }, "--secrets", secrets)).toMatchObject({
      reason: "digest_wrong",
      steps: expect.arrayContaining([expect.objectContaining({ step: "body", result: "refused" })]),
    });
    expect(await steps({ headers: [["taskid", "trial"]] })).toMatchObject({
      allowed: true,
      mode: "dryRun",
      reason: "credential_missing",
    });
  });

  it("keys that the gateway fetches, from a file", async () => {
    const issuer = { issuer: ISSUER, audiences: ["models"], jwksUri: "https://k.example/jwks", cluster: "k" };
    const credentials = [{ id: "t", type: "token", issuer: ISSUER }];
    await writeFile(
      file,
      stringify({ ...authTenant, spec: { ...authTenant.spec, jwtIssuers: [issuer], credentials } }),
    );
    const call = bearer(jwt({ key: attacker.privateKey }));
    expect((await verify(call)).stdout).toContain("refused: 503 keys_unavailable");
    const jwks = join(folder, "jwks.json");
    await writeFile(jwks, JSON.stringify({ keys: [jwk(attacker.publicKey, "rsa")] }));
    expect((await verify(call, "--jwks", jwks)).code).toBe(0);
  });

  it.each<[string, string[], string]>([
    ["no configuration", ["-H", "a: b"], "required option"],
    ["a header that is none", ["-f", "FILE", "-H", "secret-key"], "a header must be `name: value`"],
    ["a file that is not there", ["-f", "/nowhere"], "/nowhere"],
    ["a time that is none", ["-f", "FILE", "--at", "now"], "RFC 3339"],
    ["an unknown option", ["-f", "FILE", "--curl"], "--curl"],
  ])("exit code 2 for %s", async (_name, args, message) => {
    const { code, stderr } = await run("verify", ...args.map((each) => (each === "FILE" ? file : each)));
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect(stderr).not.toContain("secret-key");
  });
});

it("render says what to do about a Secret that it has not, and takes it from a file", async () => {
  const image = `oci://r.example/gateway@sha256:${"a".repeat(64)}`;
  const secrets = join(folder, "secret.yaml");
  await writeFile(file, TENANT.replace("gateway: {", "gateway: { deployment: {},"));
  const sealingKey = {
    ...{ apiVersion: "v1", kind: "Secret", metadata: { name: "gw-sealing-key", namespace: "edge" } },
    stringData: { key: randomBytes(32).toString("hex") },
  };
  const created = (await run("create", "s", "--type", "hmac", "-f", file)).stdout;
  await writeFile(secrets, `${created}---\n${stringify(sealingKey)}`);
  const bare = await render("-f", file, "--image", image);
  expect(bare.stderr).toContain(
    "spec.credentials[1].secretRef: credential s: Secret edge/search-s is not known",
  );
  expect(bare.stderr).toContain("--secrets");
  expect(bare.stderr).toContain(`${file}:`);
  const whole = await render("-f", file, "--image", image, "--secrets", secrets);
  expect([whole.code, whole.stdout]).toEqual([0, expect.stringMatching(/sealedSecret: \S{60,}/)]);
  await writeFile(secrets, (await readFile(secrets, "utf8")).replace(/key: mg_.*/, "key: short"));
  const short = await render("-f", file, "--image", image, "--secrets", secrets);
  expect(short.stderr).toContain("must be at least 32 bytes");
});
