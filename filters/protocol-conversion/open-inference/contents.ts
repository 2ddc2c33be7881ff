import { Datatype } from "../../model-protocol/datatype";
import {
  CONTENTS_BOOL,
  CONTENTS_BYTES,
  CONTENTS_FP32,
  CONTENTS_FP64,
  CONTENTS_INT,
  CONTENTS_INT64,
  CONTENTS_UINT,
  CONTENTS_UINT64,
} from "../../model-protocol/open-inference-fields";

/** Is `field` of `InferTensorContents` the one for elements of `datatype`? FP16 and BF16 have none. */
export function contentsHold(field: i32, datatype: Datatype): bool {
  if (datatype == Datatype.BOOL) return field == CONTENTS_BOOL;
  if (datatype == Datatype.INT64) return field == CONTENTS_INT64;
  if (datatype == Datatype.UINT64) return field == CONTENTS_UINT64;
  if (datatype == Datatype.FP32) return field == CONTENTS_FP32;
  if (datatype == Datatype.FP64) return field == CONTENTS_FP64;
  if (datatype == Datatype.BYTES) return field == CONTENTS_BYTES;
  if (datatype >= Datatype.INT8 && datatype <= Datatype.INT32) return field == CONTENTS_INT;
  return datatype >= Datatype.UINT8 && datatype <= Datatype.UINT32 && field == CONTENTS_UINT;
}
