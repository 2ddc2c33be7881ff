import { durationMilliseconds } from "../../api/fields.ts";
import { type ModelTask, modelNames, passesOpenAi } from "../../api/model-task.ts";
import type { ModelRequest } from "../../api/warm-up.ts";
import type { PreparedRequest } from "../model-client/connection.ts";
import { speechOf } from "../model-client/model-request.ts";
import { connectFor, prepareRequests } from "../model-client/prepare.ts";
import { servingPort } from "../warmup/specification.ts";
import { type LoadResult, openLoop } from "./open-loop.ts";
import type { Arrival } from "./replay.ts";
import { sizedRequests } from "./sized-requests.ts";

interface GeneratorOptions {
  /** `host:port` of the model server, or the URL of a gateway. Default: 127.0.0.1 and the task's port. */
  address?: string | undefined;
  /** Header fields of each request beside the task id. */
  headers: Record<string, string>;
  /** Instead of the task's own. */
  request?: ModelRequest | undefined;
  protos?: string[] | undefined;
  protoPaths?: string[] | undefined;
  /** Whether a language model is asked for streams. */
  stream: boolean;
  /** HTTP/2 connections. */
  connections: number;
  signal: AbortSignal;
}

/** Sends a task's requests. */
export interface Generator {
  /** @param schedule when to send, milliseconds since the start */
  run(schedule: Iterable<number>): Promise<LoadResult>;
  /**
   * Sends recorded requests as they came; as large as they were where requests are made from the model's
   * inputs.
   */
  replay(arrivals: Arrival[]): Promise<LoadResult>;
  close(): void;
}

/** @throws Error when there is no request to send, or it can't be made ready */
export async function openGenerator(task: ModelTask, options: GeneratorOptions): Promise<Generator> {
  const {
    address = `127.0.0.1:${servingPort(task)}`,
    headers,
    connections,
    protos,
    protoPaths,
    signal,
  } = options;
  const isGateway = /^https?:\/\//.test(address);
  const origin = isGateway ? address : `http://${address}`;
  const { taskid, timeout } = task.spec;
  const request = requestOf(task, options.request, isGateway);
  const prepare = async (what: ModelRequest): Promise<PreparedRequest[]> => {
    const prepared = await prepareRequests(what, {
      ...{ origin, protos, protoPaths, stream: options.stream },
      ...speechOf(task),
      // Callers of a gateway speak it there, whatever its model servers do.
      ...(isGateway && task.spec.protocol === "openai" && { protocol: "openai", basePath: "/v1" }),
    });
    return prepared.map((each) => ({ ...each, headers: { taskid, ...headers } }));
  };
  const requests = await prepare(request);
  const connection = connectFor(requests, origin, connections);
  const common = { connection, timeoutMs: durationMilliseconds(timeout), signal };
  return {
    run: (schedule) => openLoop({ ...common, requests, schedule }),
    async replay(arrivals) {
      const make = async (batch: number) => (await prepare({ ...request, batch }))[0] as PreparedRequest;
      const isSized =
        request.model !== undefined && arrivals.some(({ tensorBytes }) => tensorBytes !== undefined);
      return openLoop({
        ...common,
        requests: isSized
          ? await sizedRequests(
              arrivals.map(({ tensorBytes }) => tensorBytes),
              make,
            )
          : requests,
        schedule: arrivals.map(({ at }) => at),
      });
    },
    close: () => connection.close(),
  };
}

/**
 * What is sent: of a language model that says nothing of it, a chat. Callers of a gateway write one of its
 * names for the model.
 */
function requestOf(task: ModelTask, given: ModelRequest | undefined, isGateway: boolean): ModelRequest {
  const names = modelNames(task);
  const [name] = names;
  const speaks = isGateway || passesOpenAi(task.spec);
  const chat = speaks && name !== undefined ? { model: task.spec.openai?.servedModel ?? name } : undefined;
  const request = given ?? task.spec.warmUp.request ?? chat;
  if (!request)
    throw new Error(`ModelTask ${task.metadata.name}: has no warmUp.request: give one with --request`);
  if (!isGateway || name === undefined || request.model === undefined || names.includes(request.model))
    return request;
  return { ...request, model: name };
}
