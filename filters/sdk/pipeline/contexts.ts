import { HttpContext } from "./http-context";
import { PipelineFacts } from "./pipeline-facts";
import { Plugin } from "./plugin";
import { Stage } from "./stage";

/** The contexts of this VM by the host's ids: root contexts (plug-ins) and HTTP contexts (streams). */

const plugins: Map<u32, Plugin> = new Map<u32, Plugin>();

let createStages: () => Stage[] = () => [];
let handsOff: bool = false;

/**
 * Declares what this module is made of. Called once, at the top level of a module's entry file.
 * @param alone the module has only some of the stages; others run in filters beside it
 */
export function defineModule(stages: () => Stage[], alone: bool): void {
  createStages = stages;
  handsOff = alone;
}

export function createPlugin(id: u32): void {
  plugins.set(id, new Plugin(createStages(), handsOff));
}

export function pluginOf(id: u32): Plugin {
  return plugins.get(id);
}

export function isPlugin(id: u32): bool {
  return plugins.has(id);
}

export function deletePlugin(id: u32): void {
  plugins.get(id).onDelete();
  plugins.delete(id);
}

/**
 * Hash table, open addressing with linear probing: slots of (u32 id, u32 index into `all`). Id 0 is a free
 * slot.
 */
let slots: usize = 0;
let slotCount: u32 = 0;
let live: u32 = 0;
/**
 * Every context made so far: they are reused and never freed, so their number is the most streams there were
 * at once.
 */
const all: HttpContext[] = [];
let free: StaticArray<u32> = new StaticArray<u32>(0);
let freeCount: i32 = 0;
/** What contexts that wait for their next stream belong to, so that they keep no configuration alive. */
const none: PipelineFacts = new PipelineFacts(0, false);
/** Callbacks for one stream come in a row. */
let lastId: u32 = 0;
let last: HttpContext | null = null;

/** Fibonacci hashing (Knuth, TAOCP 3, section 6.4). */
function home(id: u32): u32 {
  return (id * 0x9e3779b1) & (slotCount - 1);
}

function slotOf(id: u32): usize {
  let at = home(id);
  while (true) {
    const slot = slots + ((<usize>at) << 3);
    const key = load<u32>(slot);
    if (key == id || key == 0) return slot;
    at = (at + 1) & (slotCount - 1);
  }
}

function grow(): void {
  const old = slots;
  const oldCount = slotCount;
  slotCount = max<u32>(oldCount * 2, 256);
  slots = heap.alloc(slotCount << 3);
  memory.fill(slots, 0, slotCount << 3);
  for (let i: u32 = 0; i < oldCount; i++) {
    const entry = load<u64>(old + ((<usize>i) << 3));
    if (<u32>entry != 0) store<u64>(slotOf(<u32>entry), entry);
  }
  if (old != 0) heap.free(old);
}

export function createHttpContext(id: u32, plugin: Plugin): void {
  if ((live + 1) * 2 > slotCount) grow();
  let index: u32;
  if (freeCount > 0) index = free[--freeCount];
  else {
    index = all.length;
    all.push(new HttpContext(plugin));
    if (free.length < all.length) free = StaticArray.fromArray<u32>(new Array<u32>(all.length * 2));
  }
  all[index].reset(plugin);
  all[index].id = id;
  const slot = slotOf(id);
  store<u32>(slot, id);
  store<u32>(slot + 4, index);
  live++;
}

export function httpContextOf(id: u32): HttpContext {
  if (id == lastId) return last!;
  const slot = slotOf(id);
  assert(load<u32>(slot) == id, "callback for a stream that does not exist");
  lastId = id;
  last = all[load<u32>(slot + 4)];
  return last!;
}

/** The plug-in of a live stream: `createHttpContext` gave it one. */
export function pluginOfStream(http: HttpContext): Plugin {
  return changetype<Plugin>(http.pipeline);
}

/** Forgets a stream. Later entries of the probe run move up, so that no tombstones remain. */
export function deleteHttpContext(id: u32): void {
  if (id == lastId) lastId = 0;
  let slot = slotOf(id);
  if (load<u32>(slot) != id) return;
  const index = load<u32>(slot + 4);
  all[index].release(none);
  free[freeCount++] = index;
  live--;
  let hole = <u32>((slot - slots) >> 3);
  let at = hole;
  while (true) {
    at = (at + 1) & (slotCount - 1);
    const entry = load<u64>(slots + ((<usize>at) << 3));
    if (<u32>entry == 0) break;
    const distance = (at - home(<u32>entry)) & (slotCount - 1);
    if (distance >= ((at - hole) & (slotCount - 1))) {
      store<u64>(slots + ((<usize>hole) << 3), entry);
      hole = at;
    }
  }
  slot = slots + ((<usize>hole) << 3);
  store<u64>(slot, 0);
}
