import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startBerth } from '../berth.ts';
import { proportionalSize } from '../memory.ts';
import { has, programs, startContainerd, startDockerd } from '../peers.ts';
import type { Place } from '../place.ts';
import { compare, type Row } from '../row.ts';

const megabytes = 80;

export const idleMemory: Row = {
  name: 'idle-memory',
  about: 'PSS of a daemon that has done nothing since its start',
  measure: async ({ place, idleSeconds }) => {
    const [node, containerdFile, dockerdFile] = await Promise.all([
      ownCopy(place, process.execPath),
      has('containerd') ? ownCopy(place, programs.containerd) : '',
      has('dockerd') ? ownCopy(place, programs.dockerd) : '',
    ]);
    await using berth = await startBerth(place, { node, watchLoop: false });
    await using containerd = await startContainerd(place, containerdFile);
    await using dockerd = await startDockerd(place, dockerdFile);
    await delay(idleSeconds * 1000);
    return await compare(
      { warmups: 0, rounds: 1 },
      {
        what: `idle memory (PSS), ${idleSeconds} s after start`,
        unit: 'MB',
        berth: () => proportionalSize(berth.daemon.pid),
        peers: [
          containerd && {
            name: 'containerd without CRI',
            subject: () => proportionalSize(containerd.daemon.pid),
            budget: { kind: 'absolute', most: megabytes },
          },
          dockerd && {
            name: 'dockerd and its containerd',
            subject: () => proportionalSize(dockerd.daemon.pid),
            budget: { kind: 'absolute', most: megabytes },
          },
        ],
      },
    );
  },
};

/** Pages that somebody else on this machine maps too would count by halves: the bench itself runs on berth's Node. */
async function ownCopy({ path }: Place, file: string): Promise<string> {
  const copy = join(path, `own-${file.replaceAll('/', '-')}`);
  await copyFile(file, copy);
  return copy;
}
