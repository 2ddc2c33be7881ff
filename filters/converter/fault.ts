let fault: string = "";

/**
 * What is wrong with the request or the reply at hand: the first fault counts.
 * @returns an empty text when nothing is
 */
export function currentFault(): string {
  return fault;
}

export function setFault(message: string): void {
  if (fault.length == 0) fault = message;
}

export function clearFault(): void {
  fault = "";
}

/**
 * Gives up on a request (in `before`: HTTP 400) or on a reply (in `after`: HTTP 502), with one sentence for
 * the caller:
 * `return fail<InferRequest>("too many rows")`.
 */
export function fail<T>(message: string): T | null {
  setFault(message);
  return null;
}
