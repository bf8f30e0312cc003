/**
 * Four loops of pull, run, exec and rm, two by Docker's API and two by the real ctr, while berthd is killed at random
 * moments, and shims while it is away. After each restart what it knows is held against what it had acknowledged, and its records against the
 * machine: mounts, processes, cgroups, files, and every blob hashed again.
 * `BERTH_CRASH_SEED` repeats the choices of a run, `BERTH_CRASH_ROUNDS` sets how often berthd is killed.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openClient } from '#/client/client.ts';
import { startBerthd, type Berthd } from '../support/berthd.ts';
import { pushChurnImages } from '../support/churn-images.ts';
import { ctrFace, dockerFace, type ChurnFace } from '../support/churn-faces.ts';
import { ChurnLoop } from '../support/churn-loop.ts';
import { findLeftovers, findSpoiltBlobs } from '../support/find-leftovers.ts';
import { createRandom, type Random } from '../support/random.ts';
import { startRegistry } from '../support/registry.ts';
import { join } from 'node:path';

const seed = Number(process.env['BERTH_CRASH_SEED'] ?? randomInt(2 ** 31));
const rounds = Number(process.env['BERTH_CRASH_ROUNDS'] ?? 10);
const longestRound = 2500;

interface Churn {
  readonly daemon: Berthd;
  readonly random: Random;
  readonly loops: readonly ChurnLoop[];
  readonly faces: readonly ChurnFace[];
  /** Every container that ever was. */
  readonly ids: Set<string>;
  stop: AbortController;
}

async function openChurn(daemon: Berthd, host: string): Promise<Churn> {
  const ids = new Set<string>();
  const docker = dockerFace(openClient({ socketPath: join(daemon.state, 'docker.sock') }), {
    onContainer: (id) => void ids.add(id),
  });
  const ctr = ctrFace(daemon, { stop: () => churn.stop.signal });
  const images = await pushChurnImages(host, 4);
  const faceOf = [docker, docker, ctr, ctr];
  const loops = faceOf.map((face, at) => new ChurnLoop(face, { name: `${face.name}-${at}`, images: images[at] ?? [] }));
  const churn = { daemon, random: createRandom(seed), loops, faces: [docker, ctr], ids, stop: new AbortController() };
  return churn;
}

/** Lets the loops go on, kills berthd in the middle, and starts it again. A loop may end only because berthd died. */
async function crash(churn: Churn): Promise<void> {
  const { daemon, random, loops } = churn;
  churn.stop = new AbortController();
  let dying = false;
  const working = Promise.all(
    loops.map((loop) =>
      loop.goOn().catch((error: unknown) => {
        const isAnswer = error instanceof Error && error.message.startsWith('Error response from daemon');
        if (!dying || isAnswer) throw error;
      }),
    ),
  );
  await Promise.race([delay(random.below(longestRound)), working]);
  dying = true;
  await daemon.crash();
  churn.stop.abort();
  await working;
  for (const loop of loops) if (random.below(3) === 0) await loop.loseShim(daemon);
  churn.stop = new AbortController();
  if (random.below(3) === 0) await daemon.crashWhileStarting(150 + random.below(400));
  await daemon.start();
}

async function checkAll({ daemon, loops, faces, ids }: Churn): Promise<void> {
  for (const face of faces) {
    const seen = await face.look();
    for (const id of seen.boxes.keys()) ids.add(id);
    for (const loop of loops) if (loop.face === face) await loop.check(seen);
  }
  assert.deepEqual(await findLeftovers(daemon, { ids, uploads: true, leases: true }), []);
  assert.deepEqual(await findSpoiltBlobs(daemon), []);
}

async function clearAll({ loops, faces }: Churn): Promise<void> {
  for (const face of faces) {
    const seen = await face.look();
    for (const loop of loops) if (loop.face === face) await loop.clear(seen);
  }
}

test(`kill -9 at ${rounds} moments of pull, run, exec and rm leaves what was acknowledged and nothing else (seed ${seed})`, async (t) => {
  t.diagnostic(`BERTH_CRASH_SEED=${seed}`);
  await using registry = await startRegistry();
  await using daemon = await startBerthd();
  const churn = await openChurn(daemon, registry.host);
  for (let round = 1; round <= rounds; round++) {
    await crash(churn);
    try {
      await checkAll(churn);
      await clearAll(churn);
    } catch (error) {
      const log = (await daemon.log()).split('\n').filter((line) => !line.includes('level=debug'));
      t.diagnostic(`round ${round}; the end of berthd's log:\n${log.slice(-40).join('\n')}`);
      throw error;
    }
  }
  for (const face of churn.faces) {
    const { images, boxes } = await face.look();
    assert.deepEqual({ images: [...images], boxes: [...boxes.keys()] }, { images: [], boxes: [] }, face.name);
  }
  assert.deepEqual(await findLeftovers(daemon, { ids: churn.ids, uploads: true, leases: true }), []);
  assert.equal(await daemon.stop(), 0, 'SIGTERM ends it well');
  const turns = churn.loops.map(({ turns: count }) => count);
  t.diagnostic(`turns of the loops: ${turns.join(', ')}`);
  assert(turns.every((count) => count > 0));
});
