import { proxy_close_stream } from "@solo-io/proxy-runtime/assembly/imports";

/** proxy_close_stream: the response. */
const RESPONSE_STREAM: u32 = 1;

/** Resets the present stream, towards its caller and the model server. */
export function closeStream(): void {
  proxy_close_stream(RESPONSE_STREAM);
}
