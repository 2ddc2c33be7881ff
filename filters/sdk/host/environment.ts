import { Bytes, copyBytes } from "../bytes/bytes";
import { environ_get, environ_sizes_get } from "./wasi_snapshot_preview1";

const sizes: usize = memory.data(8);

/**
 * A variable of the environment that the host gives to this VM: of Envoy's own, those that the VM's
 * configuration names.
 * @param assignment its name and `=`
 * @returns null when it is not set
 */
export function environmentVariable(assignment: Bytes): Bytes | null {
  if (environ_sizes_get(sizes, sizes + 4) != 0) return null;
  const count = load<u32>(sizes);
  const size = load<u32>(sizes, 4);
  if (count == 0) return null;
  const memory = heap.alloc(count * 4 + size);
  let found: Bytes | null = null;
  if (environ_get(memory, memory + count * 4) == 0) {
    for (let i: u32 = 0; i < count && found == null; i++) {
      const text = <usize>load<u32>(memory + i * 4);
      let length: i32 = 0;
      while (load<u8>(text + length) != 0) length++;
      const name = assignment.len;
      if (length > name && assignment.equals(text, name)) found = copyBytes(text + name, length - name);
    }
  }
  heap.free(memory);
  return found;
}
