import { type ConfigurationOptions, Observable, type ObservableMiddleware } from "@kubernetes/client-node";

/**
 * Options of an API call that fails when it has no answer in time: without, a server that went silent holds
 * it for minutes.
 */
export function within(milliseconds: number): ConfigurationOptions<ObservableMiddleware> {
  return {
    middlewareMergeStrategy: "append",
    middleware: [
      {
        pre: (request) => {
          request.setSignal(AbortSignal.timeout(milliseconds));
          return new Observable(Promise.resolve(request));
        },
        post: (response) => new Observable(Promise.resolve(response)),
      },
    ],
  };
}
