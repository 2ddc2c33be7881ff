import { z } from "zod";
import { duration } from "./fields.ts";
import { withRules } from "./rules.ts";

export const jwtIssuer = withRules(
  z.strictObject({
    issuer: z.string().min(1).max(2048).describe("The `iss` of its tokens, compared exactly."),
    audiences: z
      .array(z.string().min(1).max(2048))
      .min(1)
      .max(64)
      .optional()
      .describe("`aud` must hold one of these. Set this, `clientIds` or both."),
    clientIds: z
      .array(z.string().min(1).max(2048))
      .min(1)
      .max(64)
      .optional()
      .describe(
        "`client_id` must be one of these, as in the access tokens of AWS Cognito. A token may then be without `aud`.",
      ),
    jwks: z.string().max(262_144).optional().describe("JSON Web Key Set (RFC 7517) as text."),
    jwksUri: z
      .url({ protocol: /^https?$/, error: "must be a URL such as https://login.example/jwks" })
      .max(2048)
      .optional()
      .describe("URL of the key set, fetched through `cluster`."),
    cluster: z.string().min(1).max(253).optional().describe("Envoy cluster that reaches `jwksUri`."),
    refresh: duration().default("5m").describe("How often to fetch the key set. Default: 5m."),
    algorithms: z
      .array(z.enum(["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "HS256"]))
      .min(1)
      .optional()
      .describe("Algorithms to accept. Default: all but HS256, whose keys sign as well as verify."),
    requireExpiry: z.boolean().default(true).describe("Refuse tokens without `exp`. Default: true."),
    claims: z
      .strictObject({
        credential: z
          .string()
          .min(1)
          .max(128)
          .default("sub")
          .describe("Claim that names the credential. Default: sub."),
        tenant: z
          .string()
          .min(1)
          .max(128)
          .optional()
          .describe("Claim that must hold the tenant's name. Default: tokens name no tenant."),
        tasks: z
          .string()
          .min(1)
          .max(128)
          .optional()
          .describe("Claim with a list of task ids that the token may call."),
      })
      .prefault({})
      .describe("Claims to read."),
    leewaySeconds: z
      .int()
      .min(0)
      .max(600)
      .default(60)
      .describe("Accepted clock difference in seconds. Default: 60."),
  }),
  [
    {
      holds: ({ audiences, clientIds }) => audiences !== undefined || clientIds !== undefined,
      cel: "has(self.audiences) || has(self.clientIds)",
      message: "needs audiences or clientIds: a token for others must not count here",
    },
    {
      holds: ({ jwks, jwksUri }) => (jwks === undefined) !== (jwksUri === undefined),
      cel: "has(self.jwks) != has(self.jwksUri)",
      message: "needs jwks or jwksUri (one of them)",
    },
    {
      holds: ({ jwksUri, cluster }) => (jwksUri === undefined) === (cluster === undefined),
      cel: "has(self.jwksUri) == has(self.cluster)",
      message: "jwksUri and cluster go together",
    },
  ],
);

export type JwtIssuer = z.output<typeof jwtIssuer>;
