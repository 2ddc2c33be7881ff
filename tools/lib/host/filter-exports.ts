/** What a filter exports: its callbacks, of which it may leave some out. */
export interface FilterExports {
  memory: WebAssembly.Memory;
  _initialize(): void;
  proxy_on_memory_allocate(size: number): number;
  proxy_on_context_create(id: number, rootId: number): void;
  proxy_on_vm_start(rootId: number, size: number): number;
  proxy_on_configure(rootId: number, size: number): number;
  proxy_on_tick(rootId: number): void;
  proxy_on_http_call_response?(
    root: number,
    token: number,
    headers: number,
    body: number,
    trailers: number,
  ): void;
  proxy_on_request_headers?(id: number, count: number, end: number): number;
  proxy_on_request_body?(id: number, size: number, end: number): number;
  proxy_on_response_headers?(id: number, count: number, end: number): number;
  proxy_on_response_body?(id: number, size: number, end: number): number;
  proxy_on_request_trailers?(id: number, count: number): number;
  proxy_on_response_trailers?(id: number, count: number): number;
  proxy_on_log?(id: number): void;
  proxy_on_delete(id: number): void;
}
