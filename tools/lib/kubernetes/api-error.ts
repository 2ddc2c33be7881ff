/** The part of a Kubernetes Status that explains a failure. */
export interface Status {
  message?: string;
  reason?: string;
  details?: { causes?: { reason?: string; message?: string; field?: string }[] };
}

const ADVICE: Record<number, string> = {
  401: " (the API server does not take the credentials of the kubeconfig)",
  403: " (the account lacks the right: the roles in manifests/controller have what each command needs)",
};

/** The API server refused a request. */
export class ApiError extends Error {
  /** HTTP status. */
  readonly code: number;
  readonly reason: string;
  readonly causes: { reason?: string; message?: string; field?: string }[];

  constructor(code: number, { message, reason = "", details }: Status) {
    super((message ?? `the API server answered ${code}`) + (ADVICE[code] ?? ""));
    this.code = code;
    this.reason = reason;
    this.causes = details?.causes ?? [];
  }
}
