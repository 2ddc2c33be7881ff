import { SectionId, sectionsOf, WasmReader } from "./binary.ts";
import { functionsOf } from "./functions.ts";

const NO_VALUE = 0x40;

/** What a function takes and gives. */
interface FunctionType {
  /** How many. */
  parameters: number;
  /** The type of a block that gives what the function gives. */
  result: number;
}

/** Types of the module's own functions by index. @throws Error for a function with several results */
export function blockTypes(module: Uint8Array): Map<number, FunctionType> {
  const sections = sectionsOf(module);
  const at = (id: number) =>
    new WasmReader(module, sections.find((each) => each.id === id)?.from ?? module.length);
  const reader = at(SectionId.TYPE);
  const types = Array.from({ length: reader.u32() }, () => typeOf(reader));
  const declared = at(SectionId.FUNCTION);
  declared.u32();
  return new Map(functionsOf(module).map(({ index }) => [index, types[declared.u32()] as FunctionType]));
}

const FUNCTION_TYPE = 0x60;

function typeOf(reader: WasmReader): FunctionType {
  if (reader.byte() !== FUNCTION_TYPE) throw new Error("the module has a type that is no function's");
  const parameters = reader.u32();
  reader.at += parameters;
  const results = reader.u32();
  if (results > 1) throw new Error("the module has a function with several results");
  return { parameters, result: results === 0 ? NO_VALUE : reader.byte() };
}
