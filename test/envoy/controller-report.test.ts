import { expect, it, vi } from "vitest";
import { startLimitsController } from "../support/limits-controller.ts";
import { startLimitsGateway } from "../support/limits-gateway.ts";

it("Envoy tells the filter its node, and so the controller which pod reports", async () => {
  const controller = await startLimitsController(() => ({}));
  const gateway = await startLimitsGateway({
    workers: 1,
    node: "router~10.88.1.1~gateway-5c9f-x2x.search~search.svc.cluster.local",
    controllerPort: controller.port,
    rateLimit: {
      tasks: [{ taskid: "1", requestsPerSecond: 10 }],
      controller: { gateway: "search/gateway", cluster: "controller" },
    },
  });
  try {
    await vi.waitFor(() => expect(controller.reports[0]?.pod).toBe("gateway-5c9f-x2x"), 10_000);
  } finally {
    await gateway.stop();
    await controller.stop();
  }
});
