import { createHash } from "node:crypto";
import { once } from "node:events";
import { type Agent, request } from "node:http";
import { connect, type IncomingHttpHeaders } from "node:http2";
import { request as secureRequest } from "node:https";
import { text } from "node:stream/consumers";
import type { ConnectionOptions } from "node:tls";
import type { Manifest } from "../../../tools/lib/kubernetes/manifest.ts";
import { until } from "../../support/until.ts";

const API_VERSION = "modelgate.dev/v1alpha1";
export const BODY = JSON.stringify({
  inputs: [{ name: "x", shape: [1, 8], datatype: "FP32", data: [1, 2, 3, 4, 5, 6, 7, 8] }],
});

/** A tenant with a gateway of one pod, and who calls it. */
export class TestTenant {
  readonly name: string;
  readonly namespace: string;
  readonly port: number;
  readonly host: string;
  readonly key: string;

  constructor(name: string, namespace: string, port: number) {
    this.name = name;
    this.namespace = namespace;
    this.port = port;
    this.host = `${name}.models.example`;
    this.key = `${name}-key`;
  }

  /** @param gateway more of its `spec.gateway` */
  resource(gateway: object = {}): Manifest {
    const { name, namespace, host, port } = this;
    const deployment = { minReplicas: 1, serviceType: "ClusterIP", drain: "1s" };
    return {
      apiVersion: API_VERSION,
      kind: "Tenant",
      metadata: { name },
      spec: {
        namespaces: [namespace],
        gateway: { name: `${name}-gateway`, namespace, port, hosts: [host], deployment, ...gateway },
        credentials: [{ id: name, sha256: createHash("sha256").update(this.key).digest("hex") }],
        tasks: [{ task: "*" }],
      },
    };
  }

  /** A task whose id and Service have its name. */
  task(name: string, spec: object = {}): Manifest {
    const { namespace } = this;
    return {
      apiVersion: API_VERSION,
      kind: "ModelTask",
      metadata: { name, namespace },
      spec: { taskid: name, tenant: this.name, service: { name }, ...spec },
    };
  }

  /** One request. @param agent Default: a connection of its own. @returns its status and milliseconds; 0 for no answer */
  call(
    taskid: string,
    options: { headers?: Record<string, string>; tls?: ConnectionOptions; agent?: Agent } = {},
  ): Promise<{ status: number; milliseconds: number; body: string }> {
    const { headers = {}, tls, agent = false } = options;
    const started = performance.now();
    const length = String(Buffer.byteLength(BODY));
    const common = {
      ...{ host: "10.88.0.1", port: this.port, method: "POST", path: "/v2/models/linear/infer", agent },
      headers: { host: this.host, "x-api-key": this.key, taskid, "content-length": length, ...headers },
    };
    return new Promise((resolve) => {
      const answer = (status: number, body: string) =>
        resolve({ status, body, milliseconds: performance.now() - started });
      const sent = tls
        ? secureRequest({ ...common, ...tls, agent: false, servername: this.host })
        : request(common);
      sent.once("response", (response) => {
        text(response).then(
          (body) => answer(response.statusCode ?? 0, body),
          (error) => answer(0, String(error)),
        );
      });
      sent.once("error", (error) => answer(0, String(error)));
      sent.end(BODY);
    });
  }

  /** One gRPC call of ModelInfer with a message of no bytes. @returns its gRPC status */
  async callGrpc(taskid: string, key = this.key): Promise<string> {
    const session = connect(`http://10.88.0.1:${this.port}`);
    const stream = session.request({
      ":method": "POST",
      ":authority": this.host,
      ":path": "/inference.GRPCInferenceService/ModelInfer",
      ...{ "content-type": "application/grpc", te: "trailers", taskid, "x-api-key": key },
    });
    let status = "";
    const read = (headers: IncomingHttpHeaders) => {
      status = String(headers["grpc-status"] ?? status);
    };
    stream.on("response", read).on("trailers", read).resume();
    stream.end(Buffer.alloc(5));
    await once(stream, "close");
    session.close();
    return status;
  }

  /** Calls until the answer is 200. @throws Error with the last answer after 30 s */
  async untilServed(taskid: string, options: { tls?: ConnectionOptions } = {}): Promise<void> {
    let last = "";
    const served = async () => {
      const { status, body } = await this.call(taskid, options);
      last = `${status} ${body}`;
      return status === 200;
    };
    await until(served, { everyMs: 200, message: () => `${this.name}: ${taskid} is not served: ${last}` });
  }
}

/** A List of resources as `modelgate apply -f -` reads it. */
export function listOf(...items: Manifest[]): string {
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}
