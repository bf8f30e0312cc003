import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { LayerDownloads } from '#/core/images/layer-downloads.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { digestOf } from '#/oci/digest.ts';

const layer = (name: string): Descriptor => ({ mediaType: 'x', size: 1, digest: digestOf(Buffer.from(name)) });

for (const atOnce of [1, 4])
  test(`LayerDownloads has ${atOnce} under way at once when that is allowed, and begins each layer once`, async () => {
    let [running, most, begun] = [0, 0, 0];
    const downloads = new LayerDownloads(atOnce, new AbortController().signal, async () => {
      begun += 1;
      most = Math.max(most, ++running);
      for (let turns = 0; turns < 5; turns++) await turn();
      running -= 1;
    });
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'a', 'b'];
    await Promise.all(names.map((name) => downloads.begin(layer(name))));
    assert.deepEqual([most, begun], [atOnce, 6]);
  });
