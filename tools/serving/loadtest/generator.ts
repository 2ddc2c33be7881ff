import { durationMilliseconds } from "../../api/fields.ts";
import type { ModelTask } from "../../api/model-task.ts";
import type { ModelRequest } from "../../api/warm-up.ts";
import type { PreparedRequest } from "../model-client/connection.ts";
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
  const origin = /^https?:\/\//.test(address) ? address : `http://${address}`;
  const { warmUp, conversion, taskid, timeout } = task.spec;
  const request = options.request ?? warmUp.request;
  if (!request)
    throw new Error(`ModelTask ${task.metadata.name}: has no warmUp.request: give one with --request`);
  const prepare = async (what: ModelRequest): Promise<PreparedRequest[]> => {
    const prepared = await prepareRequests(what, {
      origin,
      protocol: conversion.protocol,
      protos,
      protoPaths,
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
