import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  API_SERVER,
  API_SERVICE_IP,
  EXTERNAL_METRICS_HOST,
  NODE,
  NODE_IP,
  type NodeSettings,
  SECOND_NODE,
} from "./addresses.ts";

const nodeUser = ({ name }: NodeSettings) => [`system:node:${name}`, "system:nodes"];
const nodeCertificate = ({ name, ip }: NodeSettings) =>
  [`/O=system:nodes/CN=system:node:${name}`, `DNS:${name},IP:${ip}`] as const;

/** Who talks to the API server with a token: name and groups. */
const USERS = {
  admin: ["admin", "system:masters"],
  controllers: ["system:kube-controller-manager", ""],
  scheduler: ["system:kube-scheduler", ""],
  kubelet: nodeUser(NODE),
  "kubelet-2": nodeUser(SECOND_NODE),
  proxy: ["system:kube-proxy", ""],
};
export type User = keyof typeof USERS;

const API_NAMES = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"].map((name) => `DNS:${name}`);
const API_ADDRESSES = ["127.0.0.1", NODE_IP, API_SERVICE_IP].map((address) => `IP:${address}`);
/** Certificates: subject, and the names that a server has. */
const CERTIFICATES = {
  "api-server": ["/CN=kube-apiserver", [...API_NAMES, ...API_ADDRESSES].join(",")],
  "kubelet-client": ["/O=system:masters/CN=apiserver-kubelet-client", ""],
  kubelet: nodeCertificate(NODE),
  "kubelet-2": nodeCertificate(SECOND_NODE),
  "front-proxy": ["/CN=front-proxy-client", ""],
  "external-metrics": ["/CN=external-metrics", `DNS:${EXTERNAL_METRICS_HOST}`],
} as const;

/** Files of keys, certificates and tokens that the node's programs know each other by. */
export class Identities {
  private readonly folder: string;

  /** @param folder where the files go */
  constructor(folder: string) {
    this.folder = folder;
    openssl("req", "-x509", ...NEW_KEY, "-days", "2", "-subj", "/CN=node-test", ...this.pair("ca"));
    for (const [name, [subject, names]] of Object.entries(CERTIFICATES)) this.issue(name, subject, names);
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    writeFileSync(this.path("accounts.key"), privateKey.export({ type: "pkcs1", format: "pem" }));
    writeFileSync(this.path("accounts.pub"), publicKey.export({ type: "spki", format: "pem" }));
    const tokens = Object.entries(USERS).map(([id, [name, group]]) => `token-${id},${name},${id},${group}`);
    writeFileSync(this.path("tokens.csv"), `${tokens.join("\n")}\n`);
    for (const id of Object.keys(USERS)) writeFileSync(this.path(`${id}.kubeconfig`), this.configOf(id));
  }

  /** @param name of a file: NAME.key, NAME.crt, accounts.key, accounts.pub, tokens.csv */
  path(name: string): string {
    return join(this.folder, name);
  }

  kubeconfig(user: User): string {
    return this.path(`${user}.kubeconfig`);
  }

  private issue(name: string, subject: string, names: string): void {
    const usage = "extendedKeyUsage=serverAuth,clientAuth\n";
    writeFileSync(this.path(`${name}.ext`), names ? `${usage}subjectAltName=${names}\n` : usage);
    const csr = this.path(`${name}.csr`);
    openssl("req", ...NEW_KEY, "-subj", subject, "-keyout", this.path(`${name}.key`), "-out", csr);
    openssl(
      ...["x509", "-req", "-in", csr, "-out", this.path(`${name}.crt`), "-days", "2"],
      ...["-CA", this.path("ca.crt"), "-CAkey", this.path("ca.key"), "-CAcreateserial"],
      ...["-extfile", this.path(`${name}.ext`)],
    );
  }

  private pair(name: string): string[] {
    return ["-keyout", this.path(`${name}.key`), "-out", this.path(`${name}.crt`)];
  }

  private configOf(id: string): string {
    const cluster = { server: API_SERVER, "certificate-authority": this.path("ca.crt") };
    return JSON.stringify({
      ...{ apiVersion: "v1", kind: "Config", "current-context": "node" },
      clusters: [{ name: "node", cluster }],
      users: [{ name: id, user: { token: `token-${id}` } }],
      contexts: [{ name: "node", context: { cluster: "node", user: id } }],
    });
  }
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

function openssl(...args: string[]): void {
  execFileSync("openssl", args, { stdio: "pipe" });
}
