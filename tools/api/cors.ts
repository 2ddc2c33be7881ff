import { z } from "zod";
import { duration, headerName } from "./fields.ts";
import { withRules } from "./rules.ts";

/** Which pages of other origins may call, and how (Fetch Standard, section 3.3). */
export const cors = withRules(
  z.strictObject({
    origins: z
      .array(
        z
          .string()
          .max(512)
          .regex(
            /^(\*|null|[a-z][a-z0-9+.-]*:\/\/(\*\.)?[a-z0-9.-]+(:[0-9]+)?|[a-z][a-z0-9+.-]*:\/\/\[[0-9a-f:]+\](:[0-9]+)?)$/,
            "must be an origin such as https://app.example, https://*.app.example or *",
          ),
      )
      .min(1)
      .max(256)
      .describe(
        "Origins of the pages, as browsers send them: scheme, host, and the port if it is not the scheme's. `*` may stand for the first labels of the host, or alone for every origin.",
      ),
    methods: z
      .array(z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]))
      .min(1)
      .optional()
      .describe("Methods that pages may use. Default: GET, HEAD and POST."),
    headers: z
      .array(headerName())
      .min(1)
      .max(64)
      .optional()
      .describe("Request headers that pages may set, taskid among them. Default: those that they ask for."),
    credentials: z
      .boolean()
      .default(false)
      .describe(
        "May pages send cookies and certificates? API keys and tokens need no such leave. Default: false.",
      ),
    maxAge: duration().default("10m").describe("How long browsers remember the answer. Default: 10m."),
  }),
  [
    {
      holds: ({ credentials, origins }) => !credentials || !origins.includes("*"),
      cel: "!has(self.credentials) || !self.credentials || !('*' in self.origins)",
      message: "must name the origins where credentials is true",
      path: ["origins"],
    },
  ],
);

export type CorsPolicy = z.output<typeof cors>;
