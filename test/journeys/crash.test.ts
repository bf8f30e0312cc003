/**
 * Kills berthd, and shims, again and again while containers are made, started, execed into, renamed, stopped and removed
 * and images come and go, and holds what it knows afterwards against what it had acknowledged, and both against the machine.
 * `BERTH_CRASH_SEED` repeats the choices of a run, `BERTH_CRASH_ROUNDS` sets how often berthd is killed.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '#/client/client.ts';
import { startBerthd } from '../support/berthd.ts';
import { attempt, checkEntry, newEntry, type Entry } from '../support/container-ledger.ts';
import { openWorld, step, workUntilDeath, type World } from '../support/crash-work.ts';
import { findLeftovers, findSpoiltBlobs } from '../support/find-leftovers.ts';
import { readNumberedLog } from '../support/numbered-lines.ts';
import { until } from '../support/until.ts';

const seed = Number(process.env['BERTH_CRASH_SEED'] ?? randomInt(2 ** 31));
const rounds = Number(process.env['BERTH_CRASH_ROUNDS'] ?? 20);
const longestRound = 1500;

async function crash(world: World): Promise<void> {
  const { daemon, random } = world;
  const working = workUntilDeath(world);
  await Promise.race([delay(random.below(longestRound)), working]);
  world.dying = true;
  await daemon.crash();
  await working;
  if (random.below(3) === 0) await delay(random.below(700));
  for (let tries = random.below(3); tries > 0; tries--) await daemon.crashWhileStarting(150 + random.below(400));
  await daemon.start();
  world.dying = false;
}

async function checkWorld(world: World): Promise<void> {
  const { daemon, client, steady, lives, ids } = world;
  await findUnborn(world);
  const entries = [...steady, ...lives.flat()];
  for (const entry of entries) await checkEntry(client, entry);
  for (const entry of steady) await checkGrows(client, entry);
  const present = await client.containers.list({ all: true });
  const known = new Set(entries.filter(({ phase }) => phase !== 'absent').map(({ id }) => id));
  for (const { Id, Names } of present)
    assert(
      known.has(Id) || entries.some((entry) => entry.id === Id && entry.autoRemove),
      `${Names?.join()} was removed`,
    );
  await checkImages(world);
  assert.deepEqual(await findLeftovers(daemon, { ids, uploads: true, leases: true }), []);
  assert.deepEqual(await findSpoiltBlobs(daemon), []);
}

/** Creates whose answer was lost have happened, or have not. */
async function findUnborn({ client, unborn, lives, ids }: World): Promise<void> {
  for (const [name, plan] of unborn) {
    const [found] = await client.containers.list({ all: true, filters: { name: [`^/${name}$`] } });
    if (found === undefined) continue;
    ids.add(found.Id);
    lives[0]?.push(newEntry(found.Id, { name, ...plan }));
  }
  unborn.clear();
}

async function checkGrows(client: Client, entry: Entry): Promise<void> {
  assert.equal(entry.phase, 'running', `container "${entry.name}" runs on`);
  await until(`the log of "${entry.name}" grows`, async () => {
    const { out } = await readNumberedLog(client, entry.id);
    return out > entry.written ? true : undefined;
  });
}

async function checkImages({ client, images, doubtfulImages }: World): Promise<void> {
  const tags = new Set((await client.images.list()).flatMap(({ RepoTags }) => RepoTags ?? []));
  for (const name of images) assert(tags.has(name), `image "${name}" is there`);
  for (const name of tags)
    assert(images.has(name) || doubtfulImages.has(name), `image "${name}" was removed, or never made`);
  for (const name of doubtfulImages) if (tags.has(name)) images.add(name);
  doubtfulImages.clear();
}

/** Everything still works: every image runs, every container ends as it should, and nothing stays. */
async function finish(world: World): Promise<void> {
  const { daemon, client, steady, lives, images, ids } = world;
  for (const image of images) {
    const { Id } = await client.containers.create({ Image: image, Cmd: ['true'], HostConfig: { NetworkMode: 'none' } });
    ids.add(Id);
    const { result } = await client.containers.wait(Id, 'next-exit');
    await client.containers.start(Id);
    assert.equal((await result).StatusCode, 0, `image "${image}" runs`);
    await client.containers.remove(Id);
  }
  for (const entry of [...steady, ...lives.flat()]) {
    if (entry.phase === 'running' && entry.ticking.turns === undefined)
      await attempt(entry, { phase: 'exited', exitCode: 42 }, () => client.containers.stop(entry.id));
    while (entry.phase !== 'absent') await step(world, entry);
  }
  for (const image of images) await client.images.remove(image);
  assert.deepEqual(await findLeftovers(daemon, { ids, uploads: true, leases: true }), []);
}

function report(t: TestContext, { done }: World): void {
  t.diagnostic(`acknowledged: ${[...done].map(([what, count]) => `${what} ${count}`).join(', ')}`);
}

test(`kill -9 of berthd at ${rounds} moments loses nothing that was acknowledged (seed ${seed})`, async (t) => {
  t.diagnostic(`BERTH_CRASH_SEED=${seed}`);
  await using daemon = await startBerthd();
  const world = await openWorld(daemon, seed);
  for (let round = 1; round <= rounds; round++) {
    await crash(world);
    try {
      await checkWorld(world);
    } catch (error) {
      const log = (await daemon.log()).split('\n').filter((line) => !line.includes('level=debug'));
      t.diagnostic(`round ${round}; the end of berthd's log:\n${log.slice(-40).join('\n')}`);
      throw error;
    }
  }
  await finish(world);
  report(t, world);
});
