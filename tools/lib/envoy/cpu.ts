import { readdir, readFile } from "node:fs/promises";

/** CPU time that the threads of a process have used so far, in microseconds (Linux, /proc). */
export async function cpuMicroseconds(pid: number): Promise<number> {
  const folder = `/proc/${pid}/task`;
  const times = await Promise.all(
    (await readdir(folder)).map(async (thread) => {
      const text = await readFile(`${folder}/${thread}/schedstat`, "utf8");
      return Number(text.split(" ")[0]) / 1000;
    }),
  );
  return times.reduce((sum, time) => sum + time, 0);
}
