import { readFile } from "node:fs/promises";
import { PROJECT_ROOT } from "../../lib/installation.ts";

/** A text of a manifest and what it is in the chart. It must be there, once unless `all`. */
interface Change {
  from: string;
  to: string;
  all?: true;
}

interface Template {
  /** Files under manifests/. */
  sources: string[];
  /** What Helm asks before it takes the template. */
  condition?: string;
  changes?: Change[];
}

const NAMESPACE: Change = { from: "modelgate-system", to: "{{ .Release.Namespace }}", all: true };

/** What is set for a pod beside its containers: `nodeSelector` and the like. */
const podOf = (part: string): Change => ({
  from: `      serviceAccountName: modelgate-${part}\n`,
  to: `      serviceAccountName: modelgate-${part}\n{{- include "modelgate.pod" (list $ .Values.${part}) }}\n`,
});
const imageOf = (part: string, image: string): Change => ({
  from: `          image: ${image}\n`,
  to: `          image: {{ include "modelgate.image" (list $ "${part}") | quote }}\n`,
});
const resourcesOf = (part: string, requests: string): Change => ({
  from: `            requests: { ${requests} }\n            limits: { memory: 512Mi }\n`,
  to: `            {{- toYaml .Values.${part}.resources | nindent 12 }}\n`,
});
/** Who else than pods of the namespace may read metrics. */
const READERS: Change = {
  from: "    - from: [{ podSelector: {} }]\n",
  to: '    - from: {{ concat (list (dict "podSelector" dict)) .Values.networkPolicy.readers | toJson }}\n',
};
/** Objects of manifests/monitoring get their namespace from its kustomization. */
const IN_NAMESPACE = (name: string): Change => ({
  from: `\n  name: ${name}\n`,
  to: `\n  name: ${name}\n  namespace: {{ .Release.Namespace }}\n`,
});

/** What the chart's templates are made of, by their names. */
const TEMPLATES: Record<string, Template> = {
  crds: {
    sources: ["crds/modeltasks.yaml", "crds/tenants.yaml"],
    condition: ".Values.crds.install",
    changes: [
      // They take every Tenant and ModelTask with them.
      {
        from: ".modelgate.dev\nspec:\n",
        to: ".modelgate.dev\n  annotations: { helm.sh/resource-policy: keep }\nspec:\n",
        all: true,
      },
    ],
  },
  "controller-roles": { sources: ["controller/rbac.yaml"] },
  "reconciler-role": {
    sources: ["controller/reconciler-role.yaml"],
    condition: ".Values.controller.reconcile",
  },
  "user-roles": { sources: ["controller/deployer-role.yaml", "controller/gateway-role.yaml"] },
  controller: {
    sources: ["controller/deployment.yaml"],
    changes: [
      { from: "  replicas: 2\n", to: "  replicas: {{ .Values.controller.replicas }}\n" },
      podOf("controller"),
      imageOf("controller", "modelgate"),
      {
        from: "          args: [controller]\n",
        to: '          args: {{ include "modelgate.controllerArgs" . }}\n',
      },
      resourcesOf("controller", "cpu: 100m, memory: 128Mi"),
    ],
  },
  "controller-network-policy": {
    sources: ["controller/network-policy.yaml"],
    condition: ".Values.networkPolicy.enabled",
    changes: [READERS],
  },
  "admission-policy": {
    sources: ["controller/admission-policy.yaml"],
    condition: ".Values.admissionPolicy.enabled",
  },
  "collector-role": { sources: ["collector/kubernetes-role.yaml"], condition: ".Values.collector.enabled" },
  collector: {
    sources: ["collector/statefulset.yaml"],
    condition: ".Values.collector.enabled",
    changes: [
      podOf("collector"),
      imageOf("collector", "modelgate-collector"),
      { from: "--keep-bytes=14Gi", to: "--keep-bytes={{ .Values.collector.keepBytes }}" },
      {
        from: "            - --spool-bytes=2Gi\n",
        to: '            - --spool-bytes={{ .Values.collector.spoolBytes }}\n{{- include "modelgate.collectorArgs" . }}\n',
      },
      resourcesOf("collector", "cpu: 200m, memory: 384Mi"),
      {
        from: "            - { name: store, mountPath: /var/lib/modelgate }\n",
        to: `            - { name: store, mountPath: /var/lib/modelgate }
            {{- if .Values.collector.senderTokensSecret }}
            - { name: senders, mountPath: /etc/modelgate/senders, readOnly: true }
      volumes:
        - name: senders
          # Readable for the process's group only: 0440.
          secret: { secretName: {{ .Values.collector.senderTokensSecret }}, defaultMode: 288 }
            {{- end }}
`,
      },
      {
        from: "          requests: { storage: 20Gi }\n",
        to: `          requests: { storage: {{ .Values.collector.storage.size }} }
        {{- with .Values.collector.storage.className }}
        storageClassName: {{ . }}
        {{- end }}
`,
      },
    ],
  },
  "collector-network-policy": {
    sources: ["collector/network-policy.yaml"],
    condition: "and .Values.collector.enabled .Values.networkPolicy.enabled",
    changes: [
      READERS,
      {
        from: "    - ports: [{ port: 53, protocol: UDP }, { port: 53, protocol: TCP }]\n",
        to: `    - ports: [{ port: 53, protocol: UDP }, { port: 53, protocol: TCP }]
    {{- with .Values.networkPolicy.collectorEgress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
`,
      },
    ],
  },
  monitoring: {
    sources: ["monitoring/pod-monitors.yaml", "monitoring/prometheus-rule.yaml"],
    condition: ".Values.monitoring.enabled",
    changes: ["modelgate-controller", "modelgate-collector", "modelgate"].map(IN_NAMESPACE),
  },
};

/**
 * The templates of the Helm chart that are made of manifests/: text by path under manifests/chart.
 * @throws Error when a manifest lacks what the chart changes in it
 */
export async function chartTemplates(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const [name, template] of Object.entries(TEMPLATES))
    files.set(`templates/${name}.yaml`, await textOf(template));
  return files;
}

async function textOf({ sources, condition, changes = [] }: Template): Promise<string> {
  const texts = await Promise.all(
    sources.map((path) => readFile(new URL(`manifests/${path}`, PROJECT_ROOT), "utf8")),
  );
  // Not for Helm: templates of Prometheus.
  let text = texts.join("---\n").replaceAll("{{", '{{ "{{" }}');
  for (const change of changes) text = changed(text, change, sources);
  text = text.replaceAll(NAMESPACE.from, NAMESPACE.to);
  const head = `{{- /* Written by npm run chart from ${sources.map((path) => `manifests/${path}`).join(", ")}. */}}\n`;
  return condition === undefined ? head + text : `${head}{{- if ${condition} }}\n${text}{{- end }}\n`;
}

function changed(text: string, { from, to, all }: Change, sources: string[]): string {
  const count = text.split(from).length - 1;
  if (count === 0 || (count > 1 && !all))
    throw new Error(
      `manifests/${sources.join(", ")}: has ${count} times ${JSON.stringify(from)}, which tools/release/chart/templates.ts changes`,
    );
  return text.replaceAll(from, to);
}
