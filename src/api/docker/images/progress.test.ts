import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layerProgress } from '#/api/docker/images/progress.ts';
import { digestOf } from '#/oci/digest.ts';

test('layerProgress() does not say of a layer that is unpacked that it was there', () => {
  const statuses: (string | undefined)[] = [];
  const tell = layerProgress(({ status }) => void statuses.push(status));
  const digest = digestOf(Buffer.from('layer'));
  tell({ kind: 'layers', layers: [{ mediaType: 'a', digest, size: 5 }] });
  for (const kind of ['waiting', 'exists', 'unpacked', 'exists'] as const) tell({ kind, digest });
  assert.deepEqual(statuses, ['Pulling fs layer', 'Already exists', 'Pull complete']);
});
