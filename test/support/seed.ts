// Before each test file: fast-check tells its seed when a property fails, and takes it from here.
const seed = process.env.MODELGATE_SEED;
if (seed !== undefined) {
  const { default: fc } = await import("fast-check");
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });
}

export {};
