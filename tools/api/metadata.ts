import { z } from "zod";
import { dnsName } from "./fields.ts";

/** What Modelgate reads of Kubernetes' ObjectMeta; other fields pass. */
export const metadata = z.looseObject({
  name: dnsName().describe("Name of the resource, unique for its kind and namespace."),
  namespace: dnsName().optional().describe("Namespace; of a ModelTask `default` when absent."),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

/** Status is the controller's: read back, never written in a file. */
export const status = z.looseObject({}).optional();
