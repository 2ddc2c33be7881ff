import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse, parseDocument, stringify } from "yaml";
import { type Change, changed } from "../../../tools/api/change.ts";
import { editYaml } from "../../../tools/api/edit-yaml.ts";

const root = { document: 0, path: [] };
const added: Change = { append: { id: "new", methods: ["GET"] }, to: ["spec", "credentials"] };
const revoked: Change = { append: "ab", to: ["spec", "revoked"] };
const disabled: Change = { set: false, field: "enabled", of: ["spec", "credentials", 0] };

describe("changes stay local", () => {
  it.each<[string, Change[], string, string]>([
    [
      "comments, order, quotes, blank lines",
      [disabled, added],
      `# head
spec:
  a: [x,  'y']   # odd

  credentials:
    # first
    - id: "a"   # trailing
      sha256: bb

  # about tasks
  tasks: [ {task: "*"} ]
`,
      `# head
spec:
  a: [x,  'y']   # odd

  credentials:
    # first
    - id: "a"   # trailing
      sha256: bb
      enabled: false
    - id: new
      methods:
        - GET

  # about tasks
  tasks: [ {task: "*"} ]
`,
    ],
    [
      "lists that are not indented",
      [disabled, added],
      "spec:\n  credentials:\n  - id: a\n    enabled: true # yes\n",
      "spec:\n  credentials:\n  - id: a\n    enabled: false # yes\n  - id: new\n    methods:\n      - GET\n",
    ],
    [
      "an empty list",
      [revoked],
      "spec:\n    revoked: [] # none\n    x: 1\n",
      "spec:\n    revoked:  # none\n      - ab\n    x: 1\n",
    ],
    ["an empty value", [revoked], "spec:\n  revoked: # none\n", "spec:\n  revoked: # none\n    - ab\n"],
    [
      "no list, text without a last line break",
      [revoked, revoked],
      "spec:\n  a: |\n    x",
      "spec:\n  a: |\n    x\n  revoked:\n    - ab\n    - ab\n",
    ],
    [
      "flow form",
      [disabled, added],
      "spec: {credentials: [{id: a}]} # x\n",
      'spec: {credentials: [{id: a, "enabled": false}, {"id":"new","methods":["GET"]}]} # x\n',
    ],
    [
      "empty values in flow form",
      [disabled, revoked],
      "spec: {credentials: [{id: a, enabled: }], revoked}\n",
      'spec: {credentials: [{id: a, enabled: false}], revoked: ["ab"]}\n',
    ],
    ["an empty object", [revoked], "spec: {}\n", 'spec: {"revoked": ["ab"]}\n'],
  ])("%s", (_name, changes, before, after) => {
    expect(editYaml(before, root, changes)).toBe(after);
  });

  it("in one document of several, and in an item of a List", () => {
    const text = "spec: {x: 1}\n---\nkind: List\nitems:\n  - spec:\n      x: 1\n---\ny: 1\n";
    expect(editYaml(text, { document: 1, path: ["items", 0] }, [revoked])).toBe(
      text.replace("      x: 1\n", "      x: 1\n      revoked:\n        - ab\n"),
    );
  });

  it("refuses what would change elsewhere too", () => {
    const alias = "a: &x [p]\nspec:\n  revoked: *x\n";
    expect(() => editYaml(alias, root, [revoked])).toThrow("alias");
    const anchored = "spec:\n  revoked: &x\n    - p\n  other: *x\n";
    expect(() => editYaml(anchored, root, [revoked])).toThrow("can't be edited");
  });
});

it("any resource in any form comes out as the change says", () => {
  const text = fc.string({ maxLength: 12, unit: "grapheme" });
  const credential = fc.record(
    { id: text, enabled: fc.boolean(), tasks: fc.array(text, { maxLength: 3 }), reason: text },
    { requiredKeys: ["id"] },
  );
  const spec = fc.record(
    {
      credentials: fc.array(credential, { maxLength: 3 }),
      revoked: fc.array(text, { maxLength: 3 }),
      z: text,
    },
    { requiredKeys: [] },
  );
  const form = fc.record({
    indent: fc.integer({ min: 1, max: 6 }),
    indentSeq: fc.boolean(),
    collectionStyle: fc.constantFrom("any" as const, "block" as const, "flow" as const),
  });
  fc.assert(
    fc.property(spec, form, text, (spec, form, reason) => {
      const object = { spec: { ...spec, y: 1 }, end: 1 };
      const changes: Change[] = [
        added,
        { set: reason, field: "reason", of: ["spec", "credentials", 0] },
        revoked,
        disabled,
        revoked,
      ];
      const written = stringify(object, form);
      fc.pre(parseDocument(written).errors.length === 0); // of `[]` the library writes some that it can't read
      const edited = editYaml(written, root, changes);
      expect(parse(edited)).toEqual(changed(object, changes));
    }),
    { numRuns: 1000 },
  );
});
