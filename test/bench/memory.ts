import { readdir, readFile } from 'node:fs/promises';

/** A process and all that descend from it. */
async function familyOf(ancestor: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = new Map<number, number>();
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    // proc(5): pid (comm) state ppid; the name may have anything in it.
    parents.set(pid, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const descends = (pid: number | undefined): boolean =>
    pid === ancestor || (pid !== undefined && pid > 1 && descends(parents.get(pid)));
  return pids.filter(descends);
}

/** Proportional set size in MB (10⁶ bytes) of a process and all that descend from it. */
export async function proportionalSize(pid: number): Promise<number> {
  const sizes = (await familyOf(pid)).map(async (member) => {
    const rollup = await readFile(`/proc/${member}/smaps_rollup`, 'utf8');
    return Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? Number.NaN);
  });
  const kilobytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  return (kilobytes * 1024) / 1e6;
}
