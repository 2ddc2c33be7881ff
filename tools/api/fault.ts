/** Something wrong in a file of resources, with where it is and what to do. */
export interface Fault {
  /** Path as given, `stdin`, or `cluster`. */
  file: string;
  /** 1-based; 0 for a resource of the cluster. */
  line: number;
  /** `kind/name` as far as known. */
  resource: string;
  path: PropertyKey[];
  message: string;
}

/** `file:line: kind/name: field.path[0]: message` */
export function formatFault({ file, line, resource, path, message }: Fault): string {
  const field = path.length > 0 ? [formatPath(path)] : [];
  return [formatPlace({ file, line }), resource, ...field, message].join(": ");
}

/** `file:line` */
export function formatPlace({ file, line }: Pick<Fault, "file" | "line">): string {
  return line === 0 ? file : `${file}:${line}`;
}

export function formatPath(path: PropertyKey[]): string {
  return path
    .map((key, index) => (typeof key === "number" ? `[${key}]` : `${index === 0 ? "" : "."}${String(key)}`))
    .join("");
}

/** Every fault of a set of resources, one a line. */
export class InvalidResources extends Error {
  readonly faults: Fault[];

  constructor(faults: Fault[]) {
    const shown = faults.map(formatFault).join("\n  ");
    super(`${faults.length} ${faults.length === 1 ? "fault" : "faults"} in the resources:\n  ${shown}`);
    this.faults = faults;
  }
}
