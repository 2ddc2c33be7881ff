import { Option } from "commander";
import { adminsOf } from "../../serving/drain/envoy-admin.ts";
import { type Address, address } from "./server.ts";

/** The gateways that send requests to a replica. */
export interface ReplicaGateways {
  gateway: string[];
  gatewayService?: Address;
}

export function gatewayOption(): Option {
  return new Option(
    "--gateway <url...>",
    "Envoy admin interfaces of the gateways, such as http://10.0.0.5:15000, to ask whether they still use the replica",
  ).default([]);
}

export function gatewayServiceOption(): Option {
  return new Option(
    "--gateway-service <host:port>",
    "DNS name of all gateways (such as a headless Service) and the port of their Envoy admin interface",
  ).argParser(address);
}

/** Looks up the gateways' admin interfaces. */
export function gatewaysOf({ gateway, gatewayService }: ReplicaGateways): () => Promise<string[]> {
  return async () => [
    ...gateway,
    ...(gatewayService ? await adminsOf(gatewayService.host, gatewayService.port) : []),
  ];
}

/**
 * The replica's address as gateways know it: the one given, unless that is all of this machine's, else the
 * pod's.
 */
export function replicaHost(given: string | undefined): string | undefined {
  return given === undefined || given === "0.0.0.0" ? process.env.POD_IP : given;
}
