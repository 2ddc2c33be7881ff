import { type Mutant, mutants } from "../mutant.ts";

const HOST = "test/host/language-models.test.ts:";
const ENVOY = "test/envoy/openai.test.ts:";
const READERS = "test/unit/collector/reader-tokens.test.ts:";
const MODELS = "filters/tenant-auth/language-models/language-models.ts";
const TWO_MODELS =
  "names one model for the gateway and another for the model server: twice, in escapes, in capitals, behind a NUL, behind 5 MB";
const HELD = "makes the gateway hold bodies without a credential, or many at once";

/** Language models, and who may read what the collector holds. */
export const LANGUAGE_MODELS: Mutant[] = [
  ...mutants(TWO_MODELS, "filters/model-name/body-reader.ts", [
    [`${ENVOY} two models in small bodies`, "if (this.found || !MODEL.equals", "if (!MODEL.equals"],
  ]),
  ...mutants(TWO_MODELS, "filters/model-name/model-name.ts", [
    [
      `${ENVOY} a second model behind 5 MB`,
      "if (!reader.holding) return this.passOn(http, reader, fault, endOfStream);",
      "if (!reader.holding) return BodyAction.CONTINUE;",
    ],
  ]),
  ...mutants("names one model in the body and another task in the header", MODELS, [
    [
      `${HOST} another task is refused`,
      "if (ofHeader != null && ofHeader != called) return reply.TASK_DISAGREES;",
      "",
    ],
    [
      `${HOST} another version is refused`,
      "http.versions > 0 && !version.equals(http.version.ptr, http.version.len)",
      "false",
    ],
  ]),
  ...mutants("forges what the gateway knows of the model", MODELS, [
    [
      `${HOST} a call that no filter has read is refused`,
      "if (len <= 0) return reply.MODEL_UNREAD;",
      "if (len <= 0) return null;",
    ],
    [
      `${HOST} faults of the body are told`,
      "if (fault != <u8>ModelFault.None) return faultReply(<ModelFault>fault);",
      "",
    ],
  ]),
  ...mutants("calls while the filter that reads the model is missing or can't be pulled", MODELS, [
    [
      `${HOST} a call that no filter has read is refused`,
      "const len = getProperty(MODEL_STATE);",
      "const len = max(getProperty(MODEL_STATE), 1);",
    ],
  ]),
  ...mutants(HELD, "filters/model-name/model-name.ts", [
    [
      `${HOST} what is held has a bound`,
      "if (heldBytes <= this.settings.maxHeldBytes) return BodyAction.STOP_AND_BUFFER;",
      "return BodyAction.STOP_AND_BUFFER;",
    ],
    [`${HOST} what is held has a bound`, "if (!this.hasCredential(http)) return HeadersAction.CONTINUE;", ""],
    [`${HOST} what is held has a bound`, "if (reader.holding) heldBytes -= reader.read;", ""],
  ]),
  ...mutants("calls a model server's own paths, such as one that loads adapters", MODELS, [
    [`${ENVOY} another path`, "return this.isQuestion ? null : reply.PATH_NOT_PASSED;", "return null;"],
  ]),
  ...mutants(
    "reads another's lines, names or numbers from the collector",
    "tools/servers/collector/http/reader-tokens.ts",
    [
      [
        `${READERS} shows each reader its tenants, whatever it asks`,
        "asked.filter((each) => tenants.includes(each))",
        "asked",
      ],
      [`${READERS} keeps what is of all tenants`, "if (!OF_TENANTS.includes(name))", "if (false)"],
      [
        `${READERS} asks everybody for a token`,
        'if (tenants === undefined) throw refusal("credential_unknown", "the reader\'s token is not known here");',
        'if (tenants === undefined) return "all";',
      ],
    ],
  ),
];
