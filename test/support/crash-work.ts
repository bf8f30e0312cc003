/** Work for a daemon that will be killed: containers that live all kinds of lives, and images that come and go. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { openClient, type Client } from '#/client/client.ts';
import { throwOnError } from '#/client/progress-error.ts';
import { demultiplex } from '#/client/stdio-frames.ts';
import { archiveOf } from '#/core/layers/archive-fixture.ts';
import type { Berthd } from './berthd.ts';
import { attempt, checkEntry, newEntry, type Entry } from './container-ledger.ts';
import { makeHelloArchive } from './hello-image.ts';
import { killShim } from './kill-shim.ts';
import { busyboxLayer, dockerArchive } from './layered-image.ts';
import { readNumberedLog, tickingScript, type Ticking } from './numbered-lines.ts';
import { processIdentity } from './process-identity.ts';
import { createRandom, type Random } from './random.ts';
import { until, untilTrue } from './until.ts';

const steadyCount = 3;
const livesAtOnce = 3;

export interface World {
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

export async function openWorld(daemon: Berthd, seed: number): Promise<World> {
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
export async function step(world: World, entry: Entry): Promise<void> {
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
  switch (random.below(6)) {
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
    case 4:
      return loseShim(world, entry);
    default:
      return exec(world, entry);
  }
}

/** Without its shim a container is killed; that is told once, and nothing of it stays but what stays of any other. */
async function loseShim(world: World, entry: Entry): Promise<void> {
  const { daemon, client } = world;
  const { id, name } = entry;
  const told = actionsUntil('destroy', client, id);
  await attempt(entry, { phase: 'exited', exitCode: 137 }, async () => {
    const { result } = await client.containers.wait(id);
    assert(await killShim(daemon, id), `container "${name}" has a shim`);
    assert.equal((await result).StatusCode, 137);
  });
  await attempt(entry, { phase: 'absent' }, () => client.containers.remove(id));
  const actions = await told;
  if (world.dying) throw new Error('berthd died when a shim was killed');
  assert.deepEqual(actions, ['die', 'destroy'], `what is told of "${name}"`);
  note(world, 'shim killed');
}

async function actionsUntil(last: string, client: Client, id: string): Promise<string[]> {
  const seen: string[] = [];
  try {
    const events = await client.system.events({ filters: { container: [id], event: ['die', last] } });
    for await (const { Action = '' } of events) {
      seen.push(Action);
      if (Action === last) break;
    }
  } catch {
    // berthd died, which others notice too
  }
  return seen;
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
export async function workUntilDeath(world: World): Promise<void> {
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
