import { readFile } from "node:fs/promises";
import { PROJECT_ROOT } from "../installation.ts";
import { abiFaults, abiOf } from "./abi.ts";
import { customSection, sectionsOf } from "./binary.ts";
import { SDK_PACKAGE } from "./sdk.ts";

/** Name of the custom section that says what a developer's module was made with. */
const SECTION = "modelgate";

interface MadeWith {
  /** Version of the SDK. */
  sdk: string;
  /** Of proxy-wasm. */
  abi: string;
}

/** Writes into a module which SDK it was made with. */
export function withSdkVersion(module: Uint8Array, sdk: string): Uint8Array {
  const content: MadeWith = { sdk, abi: abiOf(module) ?? "" };
  return Buffer.concat([module, customSection(SECTION, Buffer.from(JSON.stringify(content)))]);
}

/** What `withSdkVersion` wrote. @returns undefined for a module without */
export function madeWith(module: Uint8Array): MadeWith | undefined {
  const section = sectionsOf(module).find(({ name }) => name === SECTION);
  return section && JSON.parse(Buffer.from(module.subarray(section.from, section.to)).toString());
}

/** Version of this installation, and of the gateways that it rolls out. */
export async function ownVersion(): Promise<string> {
  return JSON.parse(await readFile(new URL("package.json", PROJECT_ROOT), "utf8")).version;
}

/**
 * @throws Error that names both versions, where an SDK and this installation are more than one minor apart
 */
export function checkSdkVersion(sdk: string, own: string): void {
  if (isNear(sdk, own)) return;
  throw new Error(
    `the SDK is of version ${sdk}, and modelgate with its gateways of ${own}: they may be one minor version ` +
      `apart; run npm install --save-dev ${SDK_PACKAGE}@${own}`,
  );
}

/**
 * Checks that a developer's module fits Envoy and the gateways of this installation.
 * @param name of the module, for the message
 * @throws Error that says what does not fit, and both versions
 */
export function checkModule(module: Uint8Array, own: string, name: string): void {
  const faults = abiFaults(module);
  if (faults.length > 0) throw new Error(`${name} can't run in Envoy: ${faults.join("; ")}`);
  const made = madeWith(module);
  if (!made)
    throw new Error(`${name} does not say which SDK it was made with: build it anew with modelgate ${own}`);
  if (isNear(made.sdk, own)) return;
  throw new Error(
    `${name} was made with the SDK of version ${made.sdk}, and the gateways are of ${own}: they may be one ` +
      "minor version apart; build it anew with a newer SDK, or push it with the modelgate that it was made with",
  );
}

/** Versions of one major that are at most one minor apart work together, in both orders. */
function isNear(one: string, other: string): boolean {
  const [major, minor] = one.split(".").map(Number);
  const [otherMajor, otherMinor] = other.split(".").map(Number);
  return major === otherMajor && Math.abs((minor ?? 0) - (otherMinor ?? 0)) <= 1;
}
