/** Layers applied and made by another process: its backend is this API on a real socket. */
import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inNamespace, openApi } from '#/api/containerd/open-api.suite.ts';
import { archiveOf } from '#/core/layers/archive-fixture.ts';
import { Diff } from '#/gen/containerd/services/diff/v1/diff_pb.ts';
import { Introspection } from '#/gen/containerd/services/introspection/v1/introspection_pb.ts';
import { openRemoteDiffer } from '#/remote/remote-differ.ts';

const blue = inNamespace('blue');
const mediaType = 'application/vnd.oci.image.layer.v1.tar';
const layer = archiveOf({ name: 'file', content: 'x' });

test('Apply and Diff are the first configured differ’s, and the next one’s when it cannot', async () => {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(await mkdtempDisposable(join(tmpdir(), 'differ-')));
  const far = stack.use(await openApi());
  const differ = stack.use(openRemoteDiffer({ name: 'far', address: far.address, capabilities: ['x'] }));
  const near = stack.use(await openApi({ differs: [differ, 'walking'] }));
  const { digest, size } = await far.core.content.put('blue', layer);
  const [target, empty] = [join(dir.path, 'target'), join(dir.path, 'empty')];
  for (const directory of [target, empty]) await mkdir(directory);
  const bind = (source: string) => [{ type: 'bind', source, options: ['rbind'] }];
  const request = { diff: { mediaType, digest, size: BigInt(size) }, mounts: bind(target) };
  const { applied } = await near.client.unary(Diff.method.apply, request, blue);
  assert.deepEqual([applied?.digest, await readdir(target)], [digest, ['file']]);

  const made = await near.client.unary(Diff.method.diff, { left: bind(empty), right: bind(target) }, blue);
  assert.ok(far.core.content.list('blue').some((record) => record.digest === made.diff?.digest));
  assert.deepEqual(near.core.content.list('blue'), []);

  const strange = { diff: { mediaType: 'text/plain', digest, size: 1n }, mounts: [] };
  const refused = { kind: 'unimplemented', message: /Cannot apply a "text\/plain"/ };
  await assert.rejects(near.client.unary(Diff.method.apply, strange, blue), refused);
  const filters = ['type==io.containerd.differ.v1'];
  const { plugins } = await near.client.unary(Introspection.method.plugins, { filters });
  assert.deepEqual(
    plugins.map(({ id, capabilities }) => [id, capabilities]),
    [
      ['walking', []],
      ['far', ['x']],
    ],
  );
});

test('a differ that is down is named, and nobody else is asked in its place', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'differ-'));
  await using differ = openRemoteDiffer({ name: 'far', address: join(dir.path, 'gone.sock') });
  await using near = await openApi({ differs: [differ, 'walking'] });
  const { digest, size } = await near.core.content.put('blue', layer);
  await writeFile(join(dir.path, 'kept'), '');
  const mounts = [{ type: 'bind', source: dir.path, options: ['rbind'] }];
  const request = { diff: { mediaType, digest, size: BigInt(size) }, mounts };
  const gone = { kind: 'unavailable', message: /Cannot reach differ "far": nobody answers at ".*gone.sock"/ };
  await assert.rejects(near.client.unary(Diff.method.apply, request, blue), gone);
  assert.deepEqual(await readdir(dir.path), ['kept']);
});
