import { beforeEach, describe, expect, it } from "vitest";
import { tenant as tenantSchema } from "../../../tools/api/tenant.ts";
import { DEFAULT_THRESHOLDS } from "../../../tools/cluster/rollout/judge.ts";
import { isAlive, type Rollout, RolloutStore, TakenOver } from "../../../tools/cluster/rollout/state.ts";
import { ApiError } from "../../../tools/lib/kubernetes/api-error.ts";
import type { KubernetesClient } from "../../../tools/lib/kubernetes/client.ts";

const TENANT = tenantSchema.parse({
  apiVersion: "modelgate.dev/v1alpha1",
  kind: "Tenant",
  metadata: { name: "search" },
  spec: { namespaces: ["search"], gateway: { name: "gw", namespace: "edge", hosts: ["*.search.example"] } },
});

/** One ConfigMap, with the API server's optimistic concurrency. */
class OneObject {
  data: Record<string, string> | undefined;
  version = 0;
  /** Runs once before the next write: somebody else was first. */
  before: (() => Promise<void>) | undefined;

  async get(): Promise<object> {
    if (!this.data) throw new ApiError(404, {});
    return { data: { ...this.data }, metadata: { resourceVersion: String(this.version) } };
  }

  async create({ data }: { data: Record<string, string> }): Promise<object | undefined> {
    await this.interfere();
    if (this.data) return undefined;
    this.write(data);
    return {};
  }

  async update(
    _object: object,
    { metadata, data }: { metadata: { resourceVersion: string }; data: Record<string, string> },
  ): Promise<void> {
    await this.interfere();
    if (metadata.resourceVersion !== String(this.version)) throw new ApiError(409, { message: "conflict" });
    this.write({ ...this.data, ...data });
  }

  private async interfere(): Promise<void> {
    const { before } = this;
    this.before = undefined;
    await before?.();
  }

  private write(data: Record<string, string>): void {
    this.data = data;
    this.version++;
  }
}

function rollout(image: string): Rollout {
  const now = new Date().toISOString();
  return {
    ...{ image, previous: "old", steps: [50, 100], step: 0, phase: "running", intervalSeconds: 1 },
    ...{ thresholds: DEFAULT_THRESHOLDS, startedAt: `${now} ${image}`, updatedAt: now },
    ...{ message: "step 1", holder: "" },
  };
}

describe("a rollout's state", () => {
  let object: OneObject;
  const store = () => new RolloutStore(object as unknown as KubernetesClient, TENANT);
  beforeEach(() => {
    object = new OneObject();
  });
  /** As if the holder had been silent for a minute. */
  const abandon = () => {
    const stored = JSON.parse(object.data?.rollout ?? "") as Rollout;
    stored.updatedAt = new Date(Date.now() - 60_000).toISOString();
    object.data = { ...object.data, rollout: JSON.stringify(stored) };
    object.version++;
  };

  it("has one holder, also when two begin at the same time", async () => {
    const [one, two] = [store(), store()];
    object.before = () => one.hold(rollout("first"));
    await expect(two.hold(rollout("second"))).rejects.toThrow("another process runs it (step 1)");
    expect((await two.current())?.image).toBe("first");
  });

  it("is taken over once its holder is silent, who then leaves it alone", async () => {
    const [one, two] = [store(), store()];
    const mine = rollout("image");
    await one.hold(mine);
    abandon();
    const theirs = (await two.current()) as Rollout;
    expect(isAlive(theirs)).toBe(false);
    await two.hold(theirs);
    await expect(one.save(mine)).rejects.toThrow(TakenOver);
    await one.release(mine);
    await two.save(theirs);
    expect(isAlive((await two.current()) as Rollout)).toBe(true);
  });

  it("is not begun over another one that is paused", async () => {
    const one = store();
    const paused = rollout("paused");
    await one.hold(paused);
    await one.release({ ...paused, phase: "paused" });
    await expect(store().hold(rollout("other"))).rejects.toThrow(
      "another rollout was begun meanwhile: paused",
    );
    await store().hold((await one.current()) as Rollout);
  });

  it("a wish is heard, also when it comes between reading and writing", async () => {
    const [holder, other] = [store(), store()];
    const running = rollout("image");
    await holder.hold(running);
    object.before = () => other.setWish("pause");
    expect(await holder.save(running)).toBe("pause");
    expect(await holder.save(running)).toBe("pause");
    await holder.release(running);
    expect(await other.wish()).toBe("");
  });

  it("joins the history when it has ended, the newest first, 20 of them", async () => {
    for (let i = 0; i < 25; i++) {
      const holder = store();
      const each = rollout(`image-${i}`);
      await holder.hold(each);
      await holder.save(Object.assign(each, { phase: "done" }));
    }
    const history = await store().history();
    expect(history).toHaveLength(20);
    expect(history[0]).toMatchObject({ image: "image-24", phase: "done", holder: "" });
  });
});
