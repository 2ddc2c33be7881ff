import { execFile } from "node:child_process";
import { delimiter } from "node:path";
import { promisify } from "node:util";
import { answers, type Program, type StartOptions, startProgram } from "../../cluster/support/process.ts";
import { program } from "../../cluster/support/programs.ts";
import { API_SERVER, NODE_IP, type NodeSettings, SERVICE_RANGE } from "./addresses.ts";
import { containerdSocket, folderOf, NAME_SERVER_READY } from "./configurations.ts";
import type { Identities } from "./identities.ts";

const PATH = [process.env.PATH, "/usr/sbin", "/sbin"].join(delimiter);
/** etcd 3.4 cannot report progress of a watch, which streaming lists need. */
const NO_STREAMED_LISTS = "WatchListClient=false";

type Start = Pick<StartOptions, "name" | "command" | "args"> & Partial<StartOptions>;

interface Running extends Program {
  options: StartOptions;
}

/** Starts the programs of the nodes, one after the other, and ends them in the opposite order. */
export class Programs {
  private readonly folder: string;
  private readonly identities: Identities;
  private readonly running: Running[] = [];
  private readonly nodes: NodeSettings[] = [];

  /** @param folder for logs, and what programs store */
  constructor(folder: string, identities: Identities) {
    this.folder = folder;
    this.identities = identities;
  }

  private async start(given: Start): Promise<void> {
    const options = { folder: this.folder, ready: async () => true, ...given, env: { PATH } };
    this.running.push({ ...(await startProgram(options)), options });
  }

  /** Ends one program with SIGTERM. @throws Error when none has this name */
  async stopOne(name: string): Promise<void> {
    await this.named(name).stop();
  }

  /** Starts a program that was ended, as it was started first; its log goes on in a file of its own. */
  async startAgain(name: string): Promise<void> {
    const ended = this.named(name);
    const times = this.running.filter((each) => each.options.command === ended.options.command).length;
    const program = await startProgram({ ...ended.options, name: `${name}-again${times}` });
    this.running[this.running.indexOf(ended)] = { ...program, name, options: ended.options };
  }

  has(name: string): boolean {
    return this.running.some((each) => each.name === name);
  }

  private named(name: string): Running {
    const found = this.running.find((each) => each.name === name);
    if (!found) throw new Error(`the node runs no ${name}`);
    return found;
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
  async containerd(config: string, node: NodeSettings): Promise<void> {
    const { suffix } = node;
    this.nodes.push(node);
    const root = folderOf(this.folder, "/var/lib/containerd", node);
    const state = `/run/containerd${suffix}/state`;
    await this.start({
      name: `containerd${suffix}`,
      command: "containerd",
      args: ["--config", config, "--root", root, "--state", state],
      ready: () => this.ctr(node, "version").then(() => true),
    });
  }

  /** @param config path of its configuration */
  async kubelet(config: string, node: NodeSettings): Promise<void> {
    const { name, ip, zone, user, suffix } = node;
    const root = folderOf(this.folder, "/var/lib/kubelet", node);
    await this.start({
      name: `kubelet${suffix}`,
      command: await program("kubernetes-node", "kubelet"),
      args: [
        ...["--config", config, "--kubeconfig", this.identities.kubeconfig(user), "--node-ip", ip],
        ...["--hostname-override", name, "--root-dir", root],
        `--node-labels=topology.kubernetes.io/zone=${zone},topology.kubernetes.io/region=region`,
      ],
    });
  }

  /** @param config path of its configuration */
  async proxy(config: string): Promise<void> {
    const command = await program("kubernetes-node", "kube-proxy");
    await this.start({ name: "kube-proxy", command, args: ["--config", config] });
  }

  /** @param config path of its Corefile */
  async nameServer(config: string): Promise<void> {
    await this.start({
      name: "coredns",
      command: await program("coredns", "coredns"),
      args: ["-conf", config],
      ready: () => answers(`http://${NAME_SERVER_READY}/ready`),
    });
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
  async ctr(node: NodeSettings, ...args: string[]): Promise<string> {
    const options = ["-a", containerdSocket(node), "-n", "k8s.io"];
    return (await promisify(execFile)("ctr", [...options, ...args])).stdout;
  }

  /** Ends the containers, then the programs. */
  async stop(): Promise<void> {
    for (const each of this.running.filter(({ name }) => name.startsWith("kubelet"))) await each.stop();
    for (const node of this.nodes) {
      const tasks = await this.ctr(node, "tasks", "ls", "-q").catch(() => "");
      for (const task of tasks.split("\n").filter(Boolean))
        await this.ctr(node, "tasks", "kill", "--signal", "SIGKILL", task).catch(() => undefined);
    }
    for (const each of this.running.toReversed()) await each.stop();
  }
}
