import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface Certificate {
  /** PEM. */
  certificate: string;
  key: string;
}

/** A certificate authority of openssl's. */
export class Authority {
  readonly certificate: string;
  private readonly folder: string;
  private readonly name: string;

  private constructor(folder: string, name: string, certificate: string) {
    this.folder = folder;
    this.name = name;
    this.certificate = certificate;
  }

  static async create(folder: string, name: string): Promise<Authority> {
    const [key, certificate] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)];
    openssl(
      "req",
      "-x509",
      ...NEW_KEY,
      "-subj",
      `/CN=${name}`,
      "-days",
      "2",
      "-keyout",
      key,
      "-out",
      certificate,
    );
    return new Authority(folder, name, await readFile(certificate, "utf8"));
  }

  /** @param host that the certificate is for */
  async issue(host: string): Promise<Certificate> {
    const path = (ending: string) => join(this.folder, `${this.name}-${host}.${ending}`);
    const ca = join(this.folder, this.name);
    await writeFile(path("ext"), `subjectAltName=DNS:${host}\n`);
    openssl("req", ...NEW_KEY, "-subj", `/CN=${host}`, "-keyout", path("key"), "-out", path("csr"));
    openssl(
      ...["x509", "-req", "-in", path("csr"), "-out", path("crt"), "-days", "2", "-extfile", path("ext")],
      ...["-CA", `${ca}.crt`, "-CAkey", `${ca}.key`, "-CAcreateserial"],
    );
    return { certificate: await readFile(path("crt"), "utf8"), key: await readFile(path("key"), "utf8") };
  }
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

function openssl(...args: string[]): void {
  execFileSync("openssl", args, { stdio: "pipe" });
}
