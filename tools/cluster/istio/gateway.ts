import { gatewaySelector, type Tenant } from "../../api/tenant.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { NETWORKING, owned } from "./names.ts";

/**
 * The tenant's Istio Gateway. Its hosts are open to VirtualServices of the tenant's namespaces alone
 * (`namespace/host`), so one gateway may serve one or more namespaces and no other.
 */
export function gateway(tenant: Tenant): Manifest {
  const { name, namespace, port, hosts, tls } = tenant.spec.gateway;
  const protocol = tls ? "HTTPS" : "HTTP";
  return {
    apiVersion: NETWORKING,
    kind: "Gateway",
    metadata: owned(tenant.metadata.name, name, namespace),
    spec: {
      selector: gatewaySelector(tenant),
      servers: [
        {
          port: { number: port, name: protocol.toLowerCase(), protocol },
          hosts: tenant.spec.namespaces.flatMap((from) => hosts.map((host) => `${from}/${host}`)),
          ...(tls && { tls: { mode: tls.mutual ? "MUTUAL" : "SIMPLE", credentialName: tls.credentialName } }),
        },
      ],
    },
  };
}
