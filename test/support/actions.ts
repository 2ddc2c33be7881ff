/** What a filter returns for headers: neither they nor a body go on until it says so (proxy-wasm ABI 0.2.1). */
export const STOP = 4;
