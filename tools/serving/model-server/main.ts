import { startModelServer } from "./server.ts";

/**
 * The demo's model server as the program of a container: serves gRPC at all addresses, at $PORT or 8866. At
 * SIGTERM it takes no new connection, answers what it has, and ends.
 */
const server = await startModelServer(Number(process.env.PORT ?? 8866), "0.0.0.0");
console.log(`model server listens at port ${server.port}`);
for (const signal of ["SIGINT", "SIGTERM"])
  process.once(signal, () => void server.drain().then(() => process.exit(0)));
