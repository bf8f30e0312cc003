import assert from 'node:assert/strict';
import { chmod, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { OptionsSchema } from '#/gen/containerd/runc/v1/options_pb.ts';
import { listMounts } from '#/linux/mount-info.ts';
import { anyOfValue, packMessage } from '#/rpc/any.ts';
import type { ShimBundle, ShimPlace } from '../support/shim.ts';
import { createTask, openShimPlace, rootfsOf, task } from '../support/shim.ts';

/** A runtime that is a shell script; it is called as runc is. */
async function scriptedRuntime({ place }: ShimPlace, script: string): Promise<ReturnType<typeof anyOfValue>> {
  const binaryName = join(place.path, `runtime-${Math.random().toString(36).slice(2)}`);
  await writeFile(binaryName, `#!/bin/sh\n${script}\n`);
  await chmod(binaryName, 0o755);
  return anyOfValue(packMessage(OptionsSchema, { binaryName }));
}

/** Nothing of a container that could not be made is left but what belongs to the bundle. */
async function assertUndone(shims: ShimPlace, bundle: ShimBundle): Promise<void> {
  const mounts = await listMounts();
  assert.deepEqual(
    mounts.filter(({ target }) => target.startsWith(bundle.path)),
    [],
  );
  assert.deepEqual(await readdir(join(bundle.path, 'rootfs')), []);
  const shim = await bundle.start();
  await assert.rejects(shim.call(task.state, { id: bundle.id }), { kind: 'not-found' });
  assert.equal((await createTask(shims, bundle, shim)).pid > 0, true);
}

const failing = [
  [
    'that is missing',
    undefined,
    /OCI runtime create failed: exec: "\/no\/such\/runtime": executable file not found in \$PATH/,
  ],
  [
    'that fails and logs why',
    'echo \'{"level":"error","msg":"no room"}\' >"$4"; exit 1',
    /^OCI runtime create failed: no room$/,
  ],
  ['that fails and prints garbage', 'echo \'{"level":"error"\' >"$4"; exit 3', /the runtime ended with exit status 3/],
  ['that fails and says nothing', 'exit 4', /the runtime ended with exit status 4/],
  ['that is killed', 'kill -9 $$', /signal 9 ended the runtime/],
  ['that succeeds without a pid', 'exit 0', /the runtime wrote no pid/],
  ['that writes garbage for a pid', 'while [ "$1" != --pid-file ]; do shift; done; echo none >"$2"', /wrote no pid/],
] as const;

for (const [what, script, why] of failing)
  test(`a runtime ${what} fails the Create alone, and everything is undone`, async () => {
    await using shims = await openShimPlace();
    const bundle = await shims.bundle(['sleep', '1000']);
    const shim = await bundle.start();
    const missing = anyOfValue(packMessage(OptionsSchema, { binaryName: '/no/such/runtime' }));
    const options = script === undefined ? missing : await scriptedRuntime(shims, script);
    await assert.rejects(createTask(shims, bundle, shim, { options }), { message: why });
    await assertUndone(shims, bundle);
  });

test('a runtime that hangs is killed when nobody waits for it any more', async () => {
  await using shims = await openShimPlace();
  const bundle = await shims.bundle(['sleep', '1000']);
  const shim = await bundle.start();
  const pids = join(bundle.path, 'pids');
  const options = await scriptedRuntime(shims, `case "$*" in *create*) echo $$ >>${pids}; sleep 1000;; esac`);
  const { id } = bundle;
  const request = { id, bundle: bundle.path, rootfs: rootfsOf(shims), options };
  await assert.rejects(shim.call(task.create, request, { timeoutMs: 100 }), { kind: 'deadline-exceeded' });
  await assert.rejects(createTask(shims, bundle, shim), { kind: 'already-exists' });
  for (let tries = 0; ; tries++) {
    const made = await createTask(shims, bundle, shim).catch((error: unknown) => error);
    if (!(made instanceof Error)) break;
    assert.equal(tries < 400, true, made.message);
    await new Promise((done) => setTimeout(done, 25));
  }
});

test('containers and bundles that are wrong are refused before anything is done', async () => {
  await using shims = await openShimPlace();
  const bundle = await shims.bundle(['true']);
  const shim = await bundle.start();
  const before = await readdir(bundle.path);
  const refuses = (wish: Parameters<typeof createTask>[3], kind: string): Promise<void> =>
    assert.rejects(createTask(shims, bundle, shim, wish), { kind }, JSON.stringify(wish));
  for (const id of ['', '..', '../x', 'a/b', '-x', '.x', 'x'.repeat(300), 'a\nb'])
    await refuses({ id }, 'invalid-argument');
  for (const path of ['', 'relative', '/a/../b', `/${'x'.repeat(5000)}`])
    await refuses({ bundle: path }, 'invalid-argument');
  await refuses({ bundle: '/nonexistent/bundle' }, 'not-found');
  await refuses({ options: { typeUrl: 'some.Options', value: Buffer.from([8, 1]) } }, 'invalid-argument');
  await refuses({ options: { typeUrl: 'containerd.runc.v1.Options', value: Buffer.from([255]) } }, 'invalid-argument');
  assert.deepEqual(await readdir(bundle.path), before);
  await refuses({ stdout: join(bundle.path, 'no-such-fifo') }, 'unknown');
  await refuses({ stdout: 'http://example.invalid/' }, 'unknown');
});
