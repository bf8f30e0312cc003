import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { processesOf, type Berthd } from './berthd.ts';

/** `kill -9` of the shim of a container that runs. False when it has none: it is just ending. */
export async function killShim({ directory }: Berthd, id: string): Promise<boolean> {
  const pids = await processesOf(directory);
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  const shims = pids.filter((_, index) => isShimOf(lines[index]?.split('\0') ?? [], id));
  assert(shims.length <= 1, `"${id}" has the shims ${shims.join(', ')}`);
  for (const pid of shims) process.kill(pid, 'SIGKILL');
  return shims.length === 1;
}

/** The shim itself, and none of the short-lived programs that start and clean up. */
function isShimOf(words: readonly string[], id: string): boolean {
  const [program = ''] = words;
  return (
    program.includes('containerd-shim') &&
    words[words.indexOf('-id') + 1] === id &&
    !words.includes('start') &&
    !words.includes('delete')
  );
}
