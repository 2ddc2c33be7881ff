import type { Manifest } from "../lib/kubernetes/manifest.ts";
import { API_GROUP } from "./fields.ts";
import { type JsonSchema, structuralSchema } from "./json-schema.ts";
import { KINDS, type Kind } from "./kinds.ts";

/** What `kubectl get` shows beside the name. */
const COLUMNS: Record<Kind, object[]> = {
  Tenant: [
    column("Gateway", "string", ".spec.gateway.name"),
    column("Namespaces", "string", ".spec.namespaces"),
    column("Ready", "string", '.status.conditions[?(@.type=="Ready")].status'),
    column("Age", "date", ".metadata.creationTimestamp"),
  ],
  ModelTask: [
    column("TaskId", "string", ".spec.taskid"),
    column("Tenant", "string", ".spec.tenant"),
    column("Service", "string", ".spec.service.name"),
    column("Ready", "string", '.status.conditions[?(@.type=="Ready")].status'),
    column("Age", "date", ".metadata.creationTimestamp"),
  ],
};

function column(name: string, type: string, jsonPath: string): object {
  return { name, type, jsonPath };
}

/** Kubernetes' usual conditions (KEP-1623). */
const STATUS: JsonSchema = {
  type: "object",
  description: "What the controller has found; written by it alone.",
  properties: {
    observedGeneration: {
      type: "integer",
      format: "int64",
      description: "The generation that the status is about.",
    },
    applied: {
      type: "string",
      maxLength: 262_144,
      description: "The spec that was applied last, as JSON: it is in force while a later one is at fault.",
    },
    conditions: {
      type: "array",
      description: "Ready: the cluster holds what the spec says.",
      items: {
        type: "object",
        required: ["type", "status", "lastTransitionTime", "reason", "message"],
        properties: {
          type: { type: "string", maxLength: 316 },
          status: { type: "string", enum: ["True", "False", "Unknown"] },
          observedGeneration: { type: "integer", format: "int64", minimum: 0 },
          lastTransitionTime: { type: "string", format: "date-time" },
          reason: { type: "string", minLength: 1, maxLength: 1024 },
          message: { type: "string", maxLength: 32_768 },
        },
      },
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["type"],
    },
  },
};

/** The CustomResourceDefinition of a kind, from its schema. */
export function customResourceDefinition(kind: Kind): Manifest {
  const { plural, singular, scope, schema } = KINDS[kind];
  const structural = structuralSchema(kind);
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${API_GROUP}` },
    spec: {
      group: API_GROUP,
      names: { kind, plural, singular, listKind: `${kind}List`, categories: ["modelgate"] },
      scope,
      versions: [
        {
          name: "v1alpha1",
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              ...structural,
              description: schema.description,
              properties: { ...structural.properties, status: STATUS },
            },
          },
          subresources: { status: {} },
          additionalPrinterColumns: COLUMNS[kind],
        },
      ],
    },
  };
}
