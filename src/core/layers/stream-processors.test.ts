import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { archiveOf } from '#/core/layers/archive-fixture.ts';
import { openLayers } from '#/core/layers/open-layers.ts';
import { chainOf, type StreamProcessor } from '#/core/layers/stream-processors.ts';
import { bindMount, openScratch, type Scratch } from '#/core/layers/tree-fixture.ts';

const tar = 'application/vnd.oci.image.layer.v1.tar';
const secret = `${tar}+gzip+secret`;

const shell = (id: string, accepts: string, returns: string, script: string): StreamProcessor => ({
  id,
  accepts: [accepts],
  returns,
  path: 'sh',
  args: ['-c', script],
  env: ['GREETING=hello'],
});

async function apply(scratch: Scratch, processors: readonly StreamProcessor[], blob: Uint8Array, payload?: string) {
  await using layers = await openLayers({ temporaryDirectory: await scratch.directory('tmp'), processors });
  const [path, root] = [join(scratch.path, 'blob'), await scratch.directory('root')];
  await writeFile(path, blob);
  const payloads = new Map(payload === undefined ? [] : [['one', Buffer.from(payload)]]);
  await layers.apply({ path, mediaType: secret, payloads, compression: 'detect', mounts: bindMount(root) });
  return root;
}

test('apply() sends a layer through the programs that its type needs, each with its payload and its variables', async () => {
  await using scratch = await openScratch();
  const log = join(scratch.path, 'log');
  const processors = [
    shell('one', secret, `${secret}2`, `echo "$STREAM_PROCESSOR_MEDIATYPE $GREETING $(cat <&3)" > ${log}; base64 -d`),
    shell('two', `${secret}2`, `${tar}+gzip`, 'base64 -d'),
  ];
  const archive = gzipSync(archiveOf({ name: 'file', content: Buffer.alloc(1 << 20, 'x') }));
  const blob = Buffer.from(Buffer.from(archive.toString('base64')).toString('base64'));
  const root = await apply(scratch, processors, blob, 'the key');
  assert.equal((await readFile(join(root, 'file'))).length, 1 << 20);
  assert.equal(await readFile(log, 'utf8'), `${secret} hello the key\n`);
});

test('apply() says what a program said that failed, even when it spoilt the archive first', async () => {
  await using scratch = await openScratch();
  const failing = shell('one', secret, tar, 'echo half; echo "no key fits" >&2; exit 3');
  await assert.rejects(apply(scratch, [failing], Buffer.alloc(10)), {
    kind: 'invalid-argument',
    message: /by "one": no key fits/,
  });
  const missing = { ...failing, path: 'no-such-program' };
  await assert.rejects(apply(scratch, [missing], Buffer.alloc(10)), /"no-such-program" cannot be run/);
});

test('apply() ends a program that goes on after the archive was refused', async () => {
  await using scratch = await openScratch();
  const endless = shell('one', secret, tar, 'while :; do echo no archive at all; done');
  await assert.rejects(apply(scratch, [endless], Buffer.alloc(10)), { kind: 'invalid-argument' });
});

test('chainOf() refuses processors that lead in a circle, and knows what comes out', () => {
  const there = shell('a', 'x', 'y', '');
  assert.throws(() => chainOf([there, shell('b', 'y', 'x', '')], 'x'), { kind: 'invalid-argument' });
  assert.deepEqual(chainOf([there], 'x'), { chain: [there], mediaType: 'y' });
  assert.deepEqual(chainOf([there], 'z'), { chain: [], mediaType: 'z' });
});
