import { execFile } from "node:child_process";
import { delimiter } from "node:path";
import { promisify } from "node:util";
import { answers, type Program, type StartOptions, startProgram } from "../../cluster/support/process.ts";
import { program } from "../../cluster/support/programs.ts";
import { API_SERVER, NODE_IP, NODE_NAME, SERVICE_RANGE } from "./addresses.ts";
import type { Identities } from "./identities.ts";

const PATH = [process.env.PATH, "/usr/sbin", "/sbin"].join(delimiter);
/** etcd 3.4 cannot report progress of a watch, which streaming lists need. */
const NO_STREAMED_LISTS = "WatchListClient=false";

type Start = Pick<StartOptions, "name" | "command" | "args"> & Partial<StartOptions>;

/** Starts the programs of the node, one after the other, and ends them in the opposite order. */
export class Programs {
  private readonly folder: string;
  private readonly identities: Identities;
  private readonly running: Program[] = [];

  /** @param folder for logs, and what programs store */
  constructor(folder: string, identities: Identities) {
    this.folder = folder;
    this.identities = identities;
  }

  private async start(options: Start): Promise<void> {
    const { folder } = this;
    const program = await startProgram({ folder, ready: async () => true, ...options, env: { PATH } });
    this.running.push(program);
  }

  etcd(): Promise<void> {
    const args = [`--data-dir=${this.folder}/etcd`, "--log-level=warn", "--logger=zap", "--unsafe-no-fsync"];
    const ready = () => answers("http://127.0.0.1:2379/health");
    return this.start({ name: "etcd", command: "etcd", args, ready });
  }

  async apiServer(): Promise<void> {
    const file = (name: string) => this.identities.path(name);
    await this.start({
      name: "kube-apiserver",
      command: await program("kubernetes", "kube-apiserver"),
      args: [
        ...["--etcd-servers=http://127.0.0.1:2379", "--secure-port=6443", `--advertise-address=${NODE_IP}`],
        ...[`--tls-cert-file=${file("api-server.crt")}`, `--tls-private-key-file=${file("api-server.key")}`],
        ...[`--client-ca-file=${file("ca.crt")}`, `--kubelet-certificate-authority=${file("ca.crt")}`],
        `--kubelet-client-certificate=${file("kubelet-client.crt")}`,
        `--kubelet-client-key=${file("kubelet-client.key")}`,
        "--kubelet-preferred-address-types=InternalIP",
        `--proxy-client-cert-file=${file("front-proxy.crt")}`,
        `--proxy-client-key-file=${file("front-proxy.key")}`,
        ...[`--requestheader-client-ca-file=${file("ca.crt")}`, "--enable-aggregator-routing=true"],
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        ...[`--token-auth-file=${file("tokens.csv")}`, "--authorization-mode=Node,RBAC"],
        "--enable-admission-plugins=NodeRestriction",
        `--service-account-key-file=${file("accounts.pub")}`,
        `--service-account-signing-key-file=${file("accounts.key")}`,
        "--service-account-issuer=https://kubernetes.default.svc",
        ...[`--service-cluster-ip-range=${SERVICE_RANGE}`, "--feature-gates=WatchList=false"],
      ],
      ready: async () => (await this.kubectl("get", "--raw", "/readyz")) === "ok",
      timeoutSeconds: 180,
    });
  }

  async controllers(): Promise<void> {
    const config = this.identities.kubeconfig("controllers");
    const file = (name: string) => this.identities.path(name);
    await this.start({
      name: "kube-controller-manager",
      command: await program("kubernetes", "kube-controller-manager"),
      args: [
        ...this.component(config),
        `--service-account-private-key-file=${file("accounts.key")}`,
        ...[`--root-ca-file=${file("ca.crt")}`, "--use-service-account-credentials"],
        ...[`--cluster-signing-cert-file=${file("ca.crt")}`, `--cluster-signing-key-file=${file("ca.key")}`],
        `--feature-gates=WatchList=false,${NO_STREAMED_LISTS}`,
      ],
    });
    await this.start({
      name: "kube-scheduler",
      command: await program("kubernetes-node", "kube-scheduler"),
      args: [
        ...this.component(this.identities.kubeconfig("scheduler")),
        `--feature-gates=${NO_STREAMED_LISTS}`,
      ],
    });
  }

  private component(config: string): string[] {
    return [
      ...[`--kubeconfig=${config}`, `--authentication-kubeconfig=${config}`],
      ...[`--authorization-kubeconfig=${config}`, "--leader-elect=false", "--bind-address=127.0.0.1"],
    ];
  }

  /** @param config path of its configuration */
  async containerd(config: string): Promise<void> {
    await this.start({
      name: "containerd",
      command: "containerd",
      args: ["--config", config, "--root", "/var/lib/containerd", "--state", "/run/containerd/state"],
      ready: () => this.ctr("version").then(() => true),
    });
  }

  /** @param config path of its configuration */
  async kubelet(config: string): Promise<void> {
    await this.start({
      name: "kubelet",
      command: await program("kubernetes-node", "kubelet"),
      args: [
        ...["--config", config, "--kubeconfig", this.identities.kubeconfig("kubelet"), "--node-ip", NODE_IP],
        ...["--hostname-override", NODE_NAME, "--root-dir", "/var/lib/kubelet"],
        "--node-labels=topology.kubernetes.io/zone=zone-a,topology.kubernetes.io/region=region",
      ],
    });
  }

  /** @param config path of its configuration */
  async proxy(config: string): Promise<void> {
    const command = await program("kubernetes-node", "kube-proxy");
    await this.start({ name: "kube-proxy", command, args: ["--config", config] });
  }

  /** @param config path of its configuration */
  registry(config: string): Promise<void> {
    const ready = () => answers(`http://${NODE_IP}:5000/v2/`);
    return this.start({
      name: "docker-registry",
      command: "docker-registry",
      args: ["serve", config],
      ready,
    });
  }

  async kubectl(...args: string[]): Promise<string> {
    const options = ["--server", API_SERVER, "--kubeconfig", this.identities.kubeconfig("admin")];
    const kubectl = await program("kubernetes-node", "kubectl");
    return (await promisify(execFile)(kubectl, [...options, ...args])).stdout;
  }

  /** containerd's own command, in the namespace of Kubernetes's containers. */
  async ctr(...args: string[]): Promise<string> {
    return (await promisify(execFile)("ctr", ["-n", "k8s.io", ...args])).stdout;
  }

  /** Ends the containers, then the programs. */
  async stop(): Promise<void> {
    const at = this.running.findIndex(({ name }) => name === "kubelet");
    if (at >= 0) await this.running.splice(at, 1)[0]?.stop();
    const tasks = await this.ctr("tasks", "ls", "-q").catch(() => "");
    for (const task of tasks.split("\n").filter(Boolean))
      await this.ctr("tasks", "kill", "--signal", "SIGKILL", task).catch(() => undefined);
    for (const each of this.running.toReversed()) await each.stop();
  }
}
