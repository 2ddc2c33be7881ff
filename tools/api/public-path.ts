import { z } from "zod";
import { taskid } from "./fields.ts";
import { withRules } from "./rules.ts";

/** `/package.Service/Method`. */
const GRPC_METHOD = /^\/[^/]*\.[^/]*\/[^/]*$/;

/** A path that needs no credential. */
export const publicPath = withRules(
  z.strictObject({
    path: z
      .string()
      .max(1024)
      .regex(
        /^(\/(\*|[^/?#*\s]*))+$/,
        "must be a path such as /v2/health/ready or /v2/models/*/ready, without a query",
      )
      .describe(
        "Path of GET and HEAD, or of a gRPC method such as `/grpc.health.v1.Health/Check`. A segment `*` stands for any one.",
      ),
    task: taskid()
      .optional()
      .describe("The task that a request without the header taskid is for. Default: it must name its task."),
    gateway: z
      .boolean()
      .optional()
      .describe(
        'The gateway itself answers a request without the header taskid: 200 and `{"live":true}` say that its filter runs. Not for gRPC, whose reply only a model server can give. Default: false.',
      ),
  }),
  [
    {
      holds: ({ task, gateway }) => task === undefined || !gateway,
      cel: "!has(self.task) || !has(self.gateway) || !self.gateway",
      message: "must not stand beside gateway: true",
      path: ["task"],
    },
    {
      holds: ({ path, gateway }) => !gateway || !GRPC_METHOD.test(path),
      cel: `!has(self.gateway) || !self.gateway || !self.path.matches('^/[^/]*\\\\.[^/]*/[^/]*$')`,
      message: "is for no gRPC method: name the task that answers it in task",
      path: ["gateway"],
    },
  ],
);
