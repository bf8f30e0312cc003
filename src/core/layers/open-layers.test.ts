import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { archiveOf } from '#/core/layers/archive-fixture.ts';
import type { AppliedLayer, Layers } from '#/core/layers/contract.ts';
import { openLayers } from '#/core/layers/open-layers.ts';
import { bindMount, openScratch, type Scratch } from '#/core/layers/tree-fixture.ts';
import { mount } from '#/linux/mount.ts';
import { spawn } from '#/linux/spawn.ts';

const run = promisify(execFile);

/** Unpack children of a process. */
async function unpackChildrenOf(pid: number): Promise<number[]> {
  const found: number[] = [];
  for (const task of await readdir(`/proc/${pid}/task`)) {
    const children = await readFile(`/proc/${pid}/task/${task}/children`, 'utf8').catch(() => '');
    for (const child of children.split(' ').filter((text) => text !== '')) {
      const command = await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '');
      if (command.includes('layers/child/main.ts')) found.push(Number(child));
    }
  }
  return found;
}

async function eventually<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  for (const end = Date.now() + 10_000; Date.now() < end; await delay(20)) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
  }
  throw new Error(`${what} did not happen within 10 s`);
}

interface Hanging extends AsyncDisposable {
  readonly applied: Promise<AppliedLayer>;
  readonly pid: number;
}

/** An apply whose blob is a FIFO that says the start of an archive and then nothing. */
async function hangApply(scratch: Scratch, layers: Layers, signal?: AbortSignal): Promise<Hanging> {
  const path = join(scratch.path, 'fifo');
  await run('mkfifo', [path]);
  const root = await scratch.directory('hanging');
  const known = await unpackChildrenOf(process.pid);
  const applied = layers.apply({
    path,
    compression: 'none',
    mounts: bindMount(root),
    ...(signal === undefined ? {} : { signal }),
  });
  applied.catch(() => {});
  const writer = await open(path, 'r+');
  await writer.write(archiveOf({ name: 'begun' }).subarray(0, 1024));
  const pid = await eventually('the start of a child', async () =>
    (await unpackChildrenOf(process.pid)).find((child) => !known.includes(child)),
  );
  return { applied, pid, [Symbol.asyncDispose]: () => writer.close() };
}

async function applySmall(scratch: Scratch, layers: Layers, name = 'small'): Promise<AppliedLayer> {
  const path = join(scratch.path, `${name}.tar`);
  await writeFile(path, archiveOf({ name: 'file' }));
  return await layers.apply({ path, compression: 'none', mounts: bindMount(await scratch.directory(name)) });
}

test('apply() that is aborted is cancelled, unmounted, and its child gone', async () => {
  await using scratch = await openScratch();
  const temporaryDirectory = join(scratch.path, 'mounts');
  await using layers = await openLayers({ temporaryDirectory });
  const abort = new AbortController();
  await using hanging = await hangApply(scratch, layers, abort.signal);
  await delay(100);
  abort.abort();
  await assert.rejects(hanging.applied, {
    kind: 'cancelled',
    message: /^Cannot unpack layer ".*fifo": it was cancelled/,
  });
  assert.deepEqual(await readdir(temporaryDirectory), []);
  assert.deepEqual(await unpackChildrenOf(process.pid), []);
  await assert.rejects(layers.apply({ path: '/none', compression: 'none', mounts: [], signal: abort.signal }), {
    kind: 'cancelled',
  });
  await applySmall(scratch, layers);
});

test('apply() fails clearly when its child is killed, and the next one gets a new child', async () => {
  await using scratch = await openScratch();
  const temporaryDirectory = join(scratch.path, 'mounts');
  await using layers = await openLayers({ temporaryDirectory });
  await using hanging = await hangApply(scratch, layers);
  process.kill(hanging.pid, 'SIGKILL');
  await assert.rejects(hanging.applied, { kind: 'internal', message: /the unpack process ended by signal 9/ });
  assert.deepEqual(await readdir(temporaryDirectory), []);
  await applySmall(scratch, layers);
});

test('apply() runs at most two children, one after the other reuses them, and they end when idle', async () => {
  await using scratch = await openScratch();
  await using layers = await openLayers({ temporaryDirectory: join(scratch.path, 'mounts') });
  let most = 0;
  const look = async (): Promise<void> => {
    most = Math.max(most, (await unpackChildrenOf(process.pid)).length);
  };
  const watch = setInterval(() => void look(), 10);
  await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => applySmall(scratch, layers, name)));
  const kept = await unpackChildrenOf(process.pid);
  await applySmall(scratch, layers, 'f');
  assert.deepEqual(await unpackChildrenOf(process.pid), kept);
  clearInterval(watch);
  assert.equal(most, 2);
  await eventually('the end of idle children', async () => (await unpackChildrenOf(process.pid)).length === 0);
});

test('apply() of what is missing is not-found', async () => {
  await using scratch = await openScratch();
  const temporaryDirectory = join(scratch.path, 'mounts');
  await using layers = await openLayers({ temporaryDirectory });
  const mounts = bindMount(await scratch.directory('root'));
  const path = join(scratch.path, 'missing');
  await assert.rejects(layers.apply({ path, compression: 'none', mounts }), {
    kind: 'not-found',
    message: /ENOENT.*missing/,
  });
  const nowhere = bindMount(join(scratch.path, 'nowhere'));
  await assert.rejects(layers.apply({ path, compression: 'none', mounts: nowhere }), /Cannot unpack layer .*ENOENT/);
  assert.deepEqual(await readdir(temporaryDirectory), []);
});

test('apply() onto a full disk is resource-exhausted, onto a read-only one failed-precondition', async () => {
  await using scratch = await openScratch();
  await using layers = await openLayers({ temporaryDirectory: join(scratch.path, 'mounts') });
  const path = join(scratch.path, 'layer');
  await writeFile(path, archiveOf({ name: 'large', content: Buffer.alloc(3_000_000, 'x') }));
  const small = [{ type: 'tmpfs', source: 'tmpfs', options: ['size=1m'] }];
  await assert.rejects(layers.apply({ path, compression: 'none', mounts: small }), {
    kind: 'resource-exhausted',
    message: /"large".*ENOSPC/,
  });
  const readOnly = bindMount(await scratch.directory('read-only'), 'ro');
  await assert.rejects(layers.apply({ path, compression: 'none', mounts: readOnly }), {
    kind: 'failed-precondition',
    message: /EROFS/,
  });
});

test('openLayers() unmounts what a killed daemon left, and touches nothing else', async () => {
  await using scratch = await openScratch();
  const temporaryDirectory = await scratch.directory('mounts');
  const root = await scratch.directory('root');
  await writeFile(join(root, 'file'), 'kept');
  for (const name of ['mount-left', 'diff-left/mount-one', 'diff-left/mount-two']) {
    const target = join(temporaryDirectory, name);
    await mkdir(target, { recursive: true });
    await mount({ type: 'bind', source: root, options: ['bind'], target });
  }
  await mkdir(join(temporaryDirectory, 'mount-empty'));
  await mkdir(join(temporaryDirectory, 'other'));
  await using _layers = await openLayers({ temporaryDirectory });
  assert.deepEqual(await readdir(temporaryDirectory), ['other']);
  assert.equal(await readFile(join(root, 'file'), 'utf8'), 'kept');
});

test('disposing of layers waits for what is under way and refuses what is not', async () => {
  await using scratch = await openScratch();
  const layers = await openLayers({ temporaryDirectory: join(scratch.path, 'mounts') });
  const first = applySmall(scratch, layers, 'first');
  await eventually('the start of a child', async () => (await unpackChildrenOf(process.pid)).length > 0);
  await layers[Symbol.asyncDispose]();
  assert.equal((await first).size > 0, true);
  assert.deepEqual(await unpackChildrenOf(process.pid), []);
  await assert.rejects(applySmall(scratch, layers, 'late'), { kind: 'unavailable' });
});

test('the child ends by itself when its daemon is killed', async () => {
  await using scratch = await openScratch();
  const path = join(scratch.path, 'fifo');
  await run('mkfifo', [path]);
  const root = await scratch.directory('root');
  const script = `
    import { openLayers } from '#/core/layers/open-layers.ts';
    const layers = await openLayers({ temporaryDirectory: ${JSON.stringify(join(scratch.path, 'mounts'))} });
    await layers.apply({ path: ${JSON.stringify(path)}, compression: 'none', mounts: ${JSON.stringify(bindMount(root))} });`;
  const daemon = spawn({
    file: process.execPath,
    args: ['--input-type=module', '-e', script],
    env: process.env,
    stdio: ['ignore', 2, 2],
  });
  using _killed = { [Symbol.dispose]: () => void daemon.kill(9) };
  const [child = 0] = await eventually('the start of a child', async () => {
    const children = await unpackChildrenOf(daemon.pid);
    return children.length > 0 && children;
  });
  daemon.kill(9);
  await daemon.exited;
  const feed = ['-c', 'exec head -c 700000 /dev/zero > "$0"', path];
  const feeder = spawn({ file: 'sh', args: feed, env: process.env, stdio: [] });
  // A child that ended before it opened the FIFO leaves the feeder waiting for a reader.
  using _fed = { [Symbol.dispose]: () => void feeder.kill(9) };
  await eventually('the end of the child', async () => !(await readdir('/proc')).includes(String(child)));
  await using _layers = await openLayers({ temporaryDirectory: join(scratch.path, 'mounts') });
});
