import { Option } from "commander";
import { type ControllerAddress, parseControllerAddress } from "../../cluster/istio/rate-limit-config.ts";
import { TARGETS } from "../../cluster/istio/render.ts";

export function imageOption(): Option {
  return new Option(
    "--image <reference>",
    "filter of Tenants that do not name one: oci://host/name@sha256:...",
  );
}

export function secretsOption(): Option {
  return new Option("--secrets <path...>", "files with the Kubernetes Secrets that the Tenants name");
}

export function controllerOption(): Option {
  return new Option(
    "--controller <namespace/service:port>",
    "controller that shares limits among the gateways (default: none; each gateway applies the limits of the files)",
  ).argParser(parseControllerAddress);
}

export function controllerTokenOption(): Option {
  return new Option(
    "--controller-token-secret <name>",
    "Secret in each gateway's namespace with a ServiceAccount token (key `token`), sent to the controller (default: none)",
  );
}

export interface ControllerOptions {
  controller?: ControllerAddress;
  controllerTokenSecret?: string;
}

/** Where and how gateways report. @throws Error for a token without a controller */
export function controllerOf({
  controller,
  controllerTokenSecret,
}: ControllerOptions): ControllerAddress | undefined {
  if (controllerTokenSecret === undefined) return controller;
  if (controller === undefined) throw new Error("--controller-token-secret: needs --controller");
  return { ...controller, tokenSecret: controllerTokenSecret };
}

export function targetOption(): Option {
  return new Option("--target <target>", "kind of routes to make").choices(TARGETS).default("istio");
}
