import { MODEL_STATE } from "../model-protocol/model-in-body";
import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { Slice } from "../sdk/bytes/slice";
import { getNumber, getProperty, propertyValue } from "../sdk/host/properties";
import { ModelCall } from "../sdk/pipeline/model-call";
import { RESPONSE_FLAGS } from "./envoy-values";
import { Field } from "./fields";
import { LineWriter } from "./line-writer";
import { Member } from "./member";
import { CALLER_LEFT } from "./response-flags";

const REPORTED = bytes("reported");
const ESTIMATED = bytes("estimated");
const BY_CALLER = bytes("caller");
const BY_SERVER = bytes("server");
const NANOS_PER_MICROSECOND: u64 = 1000;

const warning: ByteBuffer = new ByteBuffer();

/** Sets `value` to the model that a call to OpenAI's API names in its body, as its caller wrote it. */
export function findAskedModel(value: Slice): void {
  // A byte before it tells whether there is one.
  value.len = max(getProperty(MODEL_STATE) - 1, 0);
  value.ptr = propertyValue() + 1;
}

/** Writes what a call to a language model came to. */
export function writeModelCall(line: LineWriter, members: StaticArray<Member>, call: ModelCall): void {
  for (let i = 0; i < members.length; i++) writeValue(line, unchecked(members[i]), call);
}

function writeValue(line: LineWriter, member: Member, call: ModelCall): void {
  switch (member.field) {
    case Field.ResponseModel: {
      writeText(line, member, call.servedModel);
      break;
    }
    case Field.FinishReason: {
      writeText(line, member, call.finish);
      break;
    }
    case Field.Usage: {
      writeWord(line, member, call.estimated ? ESTIMATED : REPORTED);
      break;
    }
    case Field.InputTokens: {
      line.number(member, call.input);
      break;
    }
    case Field.CachedTokens: {
      line.number(member, call.cached);
      break;
    }
    case Field.OutputTokens: {
      line.number(member, call.output);
      break;
    }
    case Field.ReasoningTokens: {
      line.number(member, call.reasoning);
      break;
    }
    case Field.TimeToFirstTokenUs: {
      if (call.streamed) line.number(member, call.firstToken / NANOS_PER_MICROSECOND);
      break;
    }
    case Field.TimePerOutputTokenUs: {
      if (call.perToken > 0) line.number(member, call.perToken / NANOS_PER_MICROSECOND);
      break;
    }
    case Field.Aborted: {
      if (!call.aborted) break;
      const flags = max<i64>(getNumber(RESPONSE_FLAGS), 0);
      writeWord(line, member, (flags & CALLER_LEFT) != 0 ? BY_CALLER : BY_SERVER);
      break;
    }
    case Field.CostMicros: {
      if (call.cost >= 0) line.number(member, call.cost);
      break;
    }
    case Field.Currency: {
      writeText(line, member, call.currency);
      break;
    }
    default:
      if (call.warned > 0) writeWarning(line, member, call);
  }
}

function writeText(line: LineWriter, member: Member, text: ByteBuffer): void {
  line.text(member, text.ptr, text.len);
}

function writeWord(line: LineWriter, member: Member, word: Bytes): void {
  line.text(member, word.ptr, word.len);
}

/** The budget's account and the percentage of it that is spent: `monthly/app:80`. */
function writeWarning(line: LineWriter, member: Member, call: ModelCall): void {
  warning.clear();
  warning.append(call.budget.ptr, call.budget.len);
  warning.appendByte(Char.COLON);
  warning.appendDecimal(call.warned);
  writeText(line, member, warning);
}
