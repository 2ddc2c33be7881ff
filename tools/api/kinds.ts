import type { z } from "zod";
import { type ModelTask, modelTask } from "./model-task.ts";
import { type Tenant, tenant } from "./tenant.ts";

export type Resource = Tenant | ModelTask;
export type Kind = Resource["kind"];

/** The custom resources: how each is called in the API, and its schema. */
export const KINDS = {
  Tenant: { plural: "tenants", singular: "tenant", scope: "Cluster", schema: tenant },
  ModelTask: { plural: "modeltasks", singular: "modeltask", scope: "Namespaced", schema: modelTask },
} as const satisfies Record<
  Kind,
  { plural: string; singular: string; scope: "Cluster" | "Namespaced"; schema: z.ZodType }
>;
