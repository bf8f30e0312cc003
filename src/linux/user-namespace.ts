import { readFile } from 'node:fs/promises';

const allIds = 4_294_967_295;

/** Whether root here is not root of the machine: some of what root may do is then refused. */
export async function inUserNamespace(): Promise<boolean> {
  const [inside, outside, count] = (await readFile('/proc/self/uid_map', 'utf8')).trim().split(/\s+/).map(Number);
  return inside !== 0 || outside !== 0 || count !== allIds;
}
