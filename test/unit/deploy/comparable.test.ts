import { expect, it } from "vitest";
import { withoutSecrets } from "../../../tools/cluster/deploy/comparable.ts";

it("what is shown of an object holds no shared key and no token, wherever it stands, and tells two apart", () => {
  const shown = (secret: string) =>
    JSON.stringify(
      withoutSecrets({
        spec: {
          pluginConfig: { tenants: [{ credentials: [{ id: "a", secret }] }], controller: { token: secret } },
        },
      }),
    );
  expect(shown("the-key-itself")).not.toContain("the-key-itself");
  expect(shown("the-key-itself").match(/\(sha256 [0-9a-f]{8}\.\.\.\)/g)).toHaveLength(2);
  expect(shown("the-key-itself")).not.toBe(shown("another"));
  expect(withoutSecrets({ token: { issuer: "i" }, secret: { name: "s" } })).toEqual({
    token: { issuer: "i" },
    secret: { name: "s" },
  });
});
