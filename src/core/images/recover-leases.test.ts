import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore } from '#/core/images/images.fixture.ts';
import { onceLabel, openLease } from '#/core/images/lease.ts';

const ns = 'default';

test('recover() undoes what cannot be gone on with, and leaves half a download to the next pull', async () => {
  await using store = await openStore();
  const { metadata, content, images } = store;
  const begin = async (ref: string, labels: Readonly<Record<string, string>>): Promise<void> => {
    const { id } = await openLease(metadata, ns, labels);
    await content.put(ns, Buffer.from(`a part of ${ref}`), { lease: id });
    const upload = await content.openIngest(ns, { ref, lease: id });
    await upload.write(Buffer.from('half'));
    await upload[Symbol.asyncDispose]();
  };
  await begin('import', { [onceLabel]: 'yes' });
  await begin('pull', {});
  await images.recover();
  await images.collectGarbage();
  assert.deepEqual(
    (await content.listIngests(ns)).map(({ ref }) => ref),
    ['pull'],
  );
  assert.deepEqual(
    content.list(ns).map(({ size }) => size),
    ['a part of pull'.length],
  );
  assert.equal(metadata.read.leases.list(ns).length, 1);
});
