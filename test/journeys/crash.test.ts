/**
 * Kills berthd again and again while containers are made, started, execed into, renamed, stopped and removed and images
 * come and go, and holds what it knows afterwards against what it had acknowledged, and both against the machine.
 * `BERTH_CRASH_SEED` repeats the choices of a run, `BERTH_CRASH_ROUNDS` sets how often berthd is killed.
 */
import assert from 'node:assert/strict';
import { randomInt, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openClient, type Client } from '#/client/client.ts';
import { throwOnError } from '#/client/progress-error.ts';
import { demultiplex } from '#/client/stdio-frames.ts';
import { archiveOf } from '#/core/layers/archive-fixture.ts';
import { startBerthd, type Berthd } from '../support/berthd.ts';
import { attempt, checkEntry, newEntry, type Entry } from '../support/container-ledger.ts';
import { findLeftovers, findSpoiltBlobs } from '../support/find-leftovers.ts';
import { makeHelloArchive } from '../support/hello-image.ts';
import { busyboxLayer, dockerArchive } from '../support/layered-image.ts';
import { readNumberedLog, tickingScript, type Ticking } from '../support/numbered-lines.ts';
import { processIdentity } from '../support/process-identity.ts';
import { createRandom, type Random } from '../support/random.ts';
import { until, untilTrue } from '../support/until.ts';

const seed = Number(process.env['BERTH_CRASH_SEED'] ?? randomInt(2 ** 31));
const rounds = Number(process.env['BERTH_CRASH_ROUNDS'] ?? 20);
const steadyCount = 3;
const livesAtOnce = 3;
const longestRound = 1500;

interface World {
  readonly daemon: Berthd;
  readonly client: Client;
  readonly random: Random;
  readonly steady: Entry[];
  /** Containers that come and go, one list per worker. */
  readonly lives: Entry[][];
  /** Names of creates whose answer never came. */
  readonly unborn: Map<string, Pick<Entry, 'ticking' | 'autoRemove'>>;
  /** Image names that must be there, and those of calls whose answer never came. */
  readonly images: Set<string>;
  readonly doubtfulImages: Set<string>;
  readonly ids: Set<string>;
  readonly done: Map<string, number>;
  count: number;
  /** Set before berthd is killed: from then on, lost connections are what was wanted. */
  dying: boolean;
}

const note = (world: World, what: string): void => void world.done.set(what, (world.done.get(what) ?? 0) + 1);

async function openWorld(daemon: Berthd): Promise<World> {
  const client = openClient({ socketPath: join(daemon.state, 'docker.sock') });
  const world: World = {
    daemon,
    client,
    random: createRandom(seed),
    steady: [],
    lives: Array.from({ length: livesAtOnce }, () => []),
    unborn: new Map(),
    images: new Set(['hello:latest']),
    doubtfulImages: new Set(),
    ids: new Set(),
    done: new Map(),
    count: 0,
    dying: false,
  };
  await load(client, await makeHelloArchive());
  for (let index = 0; index < steadyCount; index++) {
    const entry = await create(world, { ticking: {}, autoRemove: false });
    await start(world, entry);
    world.steady.push(entry);
  }
  return world;
}

async function load(client: Client, archive: Buffer): Promise<void> {
  for await (const _ of throwOnError(await client.images.load(archive)));
}

async function create(world: World, plan: Pick<Entry, 'ticking' | 'autoRemove'>): Promise<Entry> {
  const name = `box-${world.count++}`;
  world.unborn.set(name, plan);
  const { Id } = await world.client.containers.create(
    {
      Image: 'hello',
      Cmd: ['sh', '-c', tickingScript(plan.ticking)],
      HostConfig: { NetworkMode: 'none', AutoRemove: plan.autoRemove },
    },
    { name },
  );
  world.unborn.delete(name);
  world.ids.add(Id);
  note(world, 'create');
  return newEntry(Id, { name, ...plan });
}

async function start({ client }: World, entry: Entry): Promise<void> {
  await attempt(entry, { phase: 'running' }, () => client.containers.start(entry.id));
  const found = await client.containers.inspect(entry.id).catch(() => undefined);
  if (found !== undefined && found.State.Pid > 0) entry.process = (await processIdentity(found.State.Pid)) ?? '';
}

/** The next step of a container's life, by chance. */
async function step(world: World, entry: Entry): Promise<void> {
  const { client, random } = world;
  const { id } = entry;
  switch (entry.phase) {
    case 'absent':
      return;
    case 'created':
      await start(world, entry);
      return note(world, 'start');
    case 'exited':
      await checkEntry(client, entry);
      if (entry.autoRemove) return waitForRemoval(world, entry);
      await attempt(entry, { phase: 'absent' }, () => client.containers.remove(id));
      return note(world, 'remove');
    case 'running':
      if (entry.ticking.turns !== undefined) return waitForEnd(world, entry);
      if (entry.mayEndWith.size > 0) return removeByForce(world, entry);
  }
  switch (random.below(5)) {
    case 0:
      // What a signal meets before the first line is still the runtime, or a shell without its trap.
      await until('the first line', async () => ((await readNumberedLog(client, id)).out > 0 ? true : undefined));
      await attempt(entry, { phase: 'exited', exitCode: 42 }, () => client.containers.stop(id, { timeout: 20 }));
      return note(world, 'stop');
    case 1:
      await attempt(entry, { phase: 'exited', exitCode: 137 }, async () => {
        const { result } = await client.containers.wait(id);
        await client.containers.kill(id);
        assert.equal((await result).StatusCode, 137);
      });
      return note(world, 'kill');
    case 2: {
      const name = `renamed-${world.count++}`;
      await attempt(entry, { phase: 'running', name }, () => client.containers.rename(id, name));
      return note(world, 'rename');
    }
    case 3:
      return removeByForce(world, entry);
    default:
      return exec(world, entry);
  }
}

async function waitForRemoval({ client }: World, entry: Entry): Promise<void> {
  await untilTrue(`container "${entry.name}" removes itself`, async () => {
    await checkEntry(client, entry);
    return entry.phase === 'absent';
  });
}

async function removeByForce(world: World, entry: Entry): Promise<void> {
  const { containers } = world.client;
  await attempt(entry, { phase: 'absent', exitCode: 137 }, () => containers.remove(entry.id, { force: true }));
  note(world, 'remove by force');
}

async function waitForEnd(world: World, entry: Entry): Promise<void> {
  const { client } = world;
  const condition = entry.autoRemove ? 'removed' : 'not-running';
  const { result } = await client.containers.wait(entry.id, condition).catch((error: unknown) => {
    if (entry.autoRemove && error instanceof Error && error.message.includes('No such container'))
      return { result: Promise.resolve({ StatusCode: entry.ticking.exitCode }) };
    throw error;
  });
  assert.equal((await result).StatusCode, entry.ticking.exitCode);
  entry.phase = entry.autoRemove ? 'absent' : 'exited';
  note(world, entry.autoRemove ? 'removed by itself' : 'ended by itself');
}

async function exec(world: World, { id }: Entry): Promise<void> {
  const { execs } = world.client.containers;
  const code = world.random.below(100);
  const word = `word-${world.count++}`;
  const { Id } = await execs.create(id, {
    Cmd: ['sh', '-c', `echo ${word}; exit ${code}`],
    AttachStdout: true,
    AttachStderr: true,
  });
  using stream = await execs.startAttached(Id, { tty: false });
  let text = '';
  for await (const { data } of demultiplex(stream.incoming)) text += data.toString();
  // A stream that was cut off just ends.
  if (world.dying) throw new Error('berthd died during an exec');
  assert.equal(text, `${word}\n`);
  assert.equal((await execs.inspect(Id)).ExitCode, code);
  note(world, 'exec');
}

async function liveLives(world: World, entries: Entry[]): Promise<void> {
  for (;;) {
    const entry = entries.find(({ phase }) => phase !== 'absent');
    if (entry !== undefined) {
      await step(world, entry);
      continue;
    }
    entries.length = 0;
    entries.push(await create(world, choosePlan(world)));
  }
}

function choosePlan({ random }: World): Pick<Entry, 'ticking' | 'autoRemove'> {
  if (random.below(2) === 0) return { ticking: {}, autoRemove: false };
  const ticking: Ticking = { turns: 1 + random.below(8), exitCode: 3 + random.below(100) };
  return { ticking, autoRemove: random.below(3) === 0 };
}

async function execForEver(world: World): Promise<void> {
  for (;;) {
    const entry = world.random.pick(world.steady);
    if (entry !== undefined) await exec(world, entry);
  }
}

/** Tags, loads and removes images, at most a handful at a time. */
async function imagesForEver(world: World): Promise<void> {
  const { client, random, images, doubtfulImages } = world;
  const change = async (name: string, isThere: boolean, call: () => Promise<unknown>): Promise<void> => {
    images.delete(name);
    doubtfulImages.add(name);
    await call();
    doubtfulImages.delete(name);
    if (isThere) images.add(name);
  };
  for (;;) {
    const name = `image-${world.count++}:latest`;
    const old = random.pick([...images].filter((each) => each !== 'hello:latest'));
    if (old !== undefined && images.size > 6) {
      await change(old, false, () => client.images.remove(old));
      note(world, 'rmi');
    } else if (random.below(2) === 0) {
      await change(name, true, () =>
        client.images.tag('hello', { repository: name.split(':')[0] ?? '', tag: 'latest' }),
      );
      note(world, 'tag');
    } else {
      const archive = await randomImage(name);
      await change(name, true, () => load(client, archive));
      note(world, 'load');
    }
  }
}

const randomImage = async (name: string): Promise<Buffer> =>
  dockerArchive(name, {
    layers: [await busyboxLayer(), archiveOf({ name: 'etc/chance', content: randomBytes(200_000) })],
  });

/** Works until berthd dies; a failure that has another reason is a failure of the test. */
async function workUntilDeath(world: World): Promise<void> {
  const works = [...world.lives.map((entries) => liveLives(world, entries)), execForEver(world), imagesForEver(world)];
  await Promise.all(
    works.map((work) =>
      work.catch((error: unknown) => {
        const isAnswer = error instanceof Error && error.message.startsWith('Error response from daemon');
        if (!world.dying || isAnswer || error instanceof assert.AssertionError) throw error;
      }),
    ),
  );
}

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
  const world = await openWorld(daemon);
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
