import { getProperty, propertyPath, propertyValue } from "../sdk/host/properties";

const REQUEST_SIZE = propertyPath("request.size");

/** Bytes of the request body that came, to be asked when the stream is over. */
export function bodySize(): f64 {
  return getProperty(REQUEST_SIZE) == 8 ? <f64>load<i64>(propertyValue()) : 0;
}
