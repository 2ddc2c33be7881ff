import { z } from "zod";
import { dnsLabel, dnsName, host, instant, sha256, version } from "./fields.ts";
import { withRules } from "./rules.ts";

export const permission = z.strictObject({
  task: z
    .string()
    .regex(
      /^([A-Za-z0-9._~-]{1,128}|[A-Za-z0-9._~-]{0,63}\*)$/,
      "must be a task id, a prefix of at most 63 characters such as search-*, or *",
    )
    .describe("A task id, a prefix that ends in `*` such as `search-*`, or `*` for each task of the tenant."),
  versions: z.array(version()).max(64).optional().describe("Versions that may be called. Default: all."),
  inspect: z
    .boolean()
    .optional()
    .describe(
      "Whether it may also ask for the model server's configurations and statistics and the index of its models, which tell of all models there, over HTTP and gRPC. Default: false.",
    ),
});

/**
 * `*`, a host, or `*.` and a suffix: what Istio takes as a gateway's host, `*suffix`, the filter can't
 * compare.
 */
const callableHost = () =>
  host().regex(/^(\*|(\*\.)?[a-z0-9].*)$/, "must be *, a host, or *. and a suffix, such as *.models.example");

export const credential = withRules(
  z.strictObject({
    id: z
      .string()
      .max(128)
      .regex(/^[A-Za-z0-9._@-]+$/, "must be 1 to 128 of the characters A-Z a-z 0-9 . _ @ -")
      .describe("Name in logs and revocations, unique in the tenant."),
    type: z
      .enum(["apiKey", "hmac", "token", "certificate"])
      .default("apiKey")
      .describe(
        "apiKey: a secret in a header; hmac: a signature over the request (RFC 9421); token: a JSON Web Token of an issuer in `jwtIssuers`; certificate: a client certificate. Default: apiKey.",
      ),
    sha256: sha256()
      .optional()
      .describe("apiKey: SHA-256 of the key; certificate: SHA-256 of the certificate in DER. Hexadecimal."),
    secretRef: z
      .strictObject({
        name: dnsName().describe("Name of the Secret, in the gateway's namespace."),
        key: z.string().min(1).max(253).describe("Key within the Secret."),
      })
      .optional()
      .describe(
        "hmac: the Secret that holds the shared key, of at least 32 bytes; apiKey: a Secret with the key, instead of `sha256`.",
      ),
    issuer: z.string().max(2048).optional().describe("token: the `iss` of the tokens."),
    subject: z
      .string()
      .min(1)
      .max(2048)
      .optional()
      .describe(
        "token: the subject of the tokens, default any; certificate: its URI (spiffe://...), its subject (CN=...) or its DNS name.",
      ),
    tasks: z
      .array(permission)
      .max(10_000)
      .optional()
      .describe("Narrows the tenant's `tasks` for this credential. Default: all that the tenant may call."),
    methods: z
      .array(z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]))
      .optional()
      .describe("HTTP methods it may use. Default: all."),
    hosts: z
      .array(callableHost())
      .max(256)
      .optional()
      .describe("Hosts it may call. Default: all hosts of the gateway."),
    notBefore: instant().optional().describe("Not valid before this time, RFC 3339. Default: always."),
    notAfter: instant().optional().describe("Not valid after this time, RFC 3339. Default: no end."),
    enabled: z
      .boolean()
      .default(true)
      .describe("Set to false to refuse it everywhere, at once. Default: true."),
    reason: z.string().max(1024).optional().describe("Why it is disabled; for people."),
    priority: dnsLabel()
      .optional()
      .describe(
        "One of the tenant's `priorities.classes`. Default: what the request's header says, or their default.",
      ),
  }),
  [
    {
      holds: ({ type, sha256, secretRef }) =>
        type !== "apiKey" || (sha256 === undefined) !== (secretRef === undefined),
      cel: "self.type != 'apiKey' || has(self.sha256) != has(self.secretRef)",
      message: "of type apiKey needs sha256 or secretRef (one of them)",
    },
    {
      holds: ({ type, secretRef }) => type !== "hmac" || secretRef !== undefined,
      cel: "self.type != 'hmac' || has(self.secretRef)",
      message: "of type hmac needs secretRef",
    },
    {
      holds: ({ type, issuer }) => type !== "token" || issuer !== undefined,
      cel: "self.type != 'token' || has(self.issuer)",
      message: "of type token needs issuer",
    },
    {
      holds: ({ type, sha256, subject }) =>
        type !== "certificate" || (sha256 === undefined) !== (subject === undefined),
      cel: "self.type != 'certificate' || has(self.sha256) != has(self.subject)",
      message: "of type certificate needs sha256 or subject (one of them)",
    },
    {
      holds: ({ notBefore, notAfter }) =>
        notBefore === undefined || notAfter === undefined || Date.parse(notBefore) < Date.parse(notAfter),
      cel: "!has(self.notBefore) || !has(self.notAfter) || self.notBefore < self.notAfter",
      message: "must be later than notBefore",
      path: ["notAfter"],
    },
  ],
);

export type Credential = z.output<typeof credential>;
export type Permission = z.output<typeof permission>;
