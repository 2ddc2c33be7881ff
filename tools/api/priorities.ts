import { z } from "zod";
import { dnsLabel, headerName, percent } from "./fields.ts";
import { withRules } from "./rules.ts";

/** What of a tenant's requests goes first when its limits are short. */
export const priorities = withRules(
  z.strictObject({
    classes: z
      .array(
        z.strictObject({
          name: dnsLabel().describe("Name of the class, such as online or offline."),
          reservedPercent: percent()
            .default(0)
            .describe("Share of each limit that the classes after it can't use. Default: 0."),
        }),
      )
      .min(1)
      .max(8)
      .describe("Classes of requests, the most important first."),
    default: dnsLabel().optional().describe("Class of requests without one. Default: the first."),
    header: headerName()
      .optional()
      .describe("Header by which callers may choose, for credentials without a `priority`. Default: none."),
  }),
  [
    {
      holds: ({ classes }) =>
        classes.reduce((sum, { reservedPercent }) => sum + reservedPercent, 0) <= 100 + 1e-6,
      cel: "self.classes.map(c, has(c.reservedPercent) ? double(c.reservedPercent) : 0.0).sum() <= 100.000001",
      found: ({ classes }) =>
        `and sums to ${classes.reduce((sum, { reservedPercent }) => sum + reservedPercent, 0)}`,
      message: "reservedPercent must sum to at most 100",
      path: ["classes"],
    },
    {
      holds: ({ classes }) => new Set(classes.map(({ name }) => name)).size === classes.length,
      cel: "self.classes.all(c, self.classes.exists_one(d, d.name == c.name))",
      message: "must not hold a class twice",
      path: ["classes"],
    },
    {
      holds: ({ classes, default: own }) => own === undefined || classes.some(({ name }) => name === own),
      cel: "!has(self.default) || self.classes.exists(c, c.name == self.default)",
      message: "must be one of the classes",
      path: ["default"],
    },
  ],
);

export type Priorities = z.output<typeof priorities>;
