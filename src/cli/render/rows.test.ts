import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerSummary } from '#/client/container-payloads.ts';
import type { ImageSummary } from '#/client/image-payloads.ts';
import { containerHeaders, containerRow } from '#/cli/render/container-rows.ts';
import { imageHeaders, imageRows } from '#/cli/render/image-rows.ts';
import { formatPorts } from '#/cli/render/ports.ts';

const hex = 'b30d27fd2684'.padEnd(64, '0');
const now = 1_700_000_000_000;

const container: ContainerSummary = {
  Id: hex,
  Names: ['/web', '/other/alias'],
  Image: `sha256:${hex}`,
  ImageID: `sha256:${hex}`,
  Command: 'sh -c "a very long command line"',
  Created: 1_699_999_880,
  State: 'running',
  Status: 'Up 2 minutes',
  Labels: { a: '1', b: '2' },
  SizeRw: 1500,
  SizeRootFs: 1_984_162,
  Ports: null,
};

test('containerRow() shortens for tables and shows all with --no-trunc', () => {
  const short = containerRow(container, { truncate: true, now });
  assert.equal(short['ID'], 'b30d27fd2684');
  assert.equal(short['Names'], 'web');
  assert.equal(short['Image'], 'b30d27fd2684');
  assert.equal(short['Command'], '"sh -c \\"a very long …"');
  assert.equal(short['RunningFor'], '2 minutes ago');
  assert.equal(short['Size'], '1.5kB (virtual 1.98MB)');
  assert.equal(short['Labels'], 'a=1,b=2');
  const full = containerRow(container, { truncate: false, now });
  assert.equal(full['ID'], hex);
  assert.equal(full['Names'], 'web,other/alias');
  assert.equal(full['Image'], `sha256:${hex}`);
});

test('containerRow() and imageRows() have a header for each field', () => {
  const row = containerRow(container, { truncate: true, now });
  for (const [field, cell] of Object.entries(row))
    assert(typeof cell === 'function' || field in containerHeaders, field);
  for (const field of Object.keys(imageRows(image({}), { truncate: true, now, digests: false })[0] ?? {}))
    assert(field in imageHeaders, field);
});

const image = (changes: Partial<ImageSummary>): ImageSummary => ({
  Id: `sha256:${hex}`,
  Created: 1_699_999_880,
  Size: 1_984_162,
  ...changes,
});

const namesOf = (changes: Partial<ImageSummary>, digests = false): unknown[] =>
  imageRows(image(changes), { truncate: true, now, digests }).map((row) => [
    row['Repository'],
    row['Tag'],
    row['Digest'],
  ]);

test('imageRows() has a row per name, and <none> for an image without one', () => {
  assert.deepEqual(namesOf({ RepoTags: ['localhost:5000/a:1', 'b:latest'] }), [
    ['localhost:5000/a', '1', '<none>'],
    ['b', 'latest', '<none>'],
  ]);
  assert.deepEqual(namesOf({ RepoTags: null }), [['<none>', '<none>', '<none>']]);
  assert.deepEqual(namesOf({ RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'] }), [
    ['<none>', '<none>', '<none>'],
  ]);
});

test('imageRows() shows images that have only a digest, and digests beside tags', () => {
  const digest = `sha256:${hex}`;
  assert.deepEqual(namesOf({ RepoTags: [], RepoDigests: [`a@${digest}`] }), [['a', '<none>', digest]]);
  assert.deepEqual(namesOf({ RepoTags: ['a:1'], RepoDigests: [`a@${digest}`, `b@${digest}`] }), [['a', '1', digest]]);
  assert.deepEqual(namesOf({ RepoTags: ['a:1'], RepoDigests: [`a@${digest}`, `b@${digest}`] }, true), [
    ['a', '1', digest],
    ['b', '<none>', digest],
  ]);
});

test('formatPorts() joins neighbours that are published alike', () => {
  const port = (
    PrivatePort: number,
    PublicPort?: number,
    IP = '0.0.0.0',
  ): Parameters<typeof formatPorts>[0][number] => ({
    PrivatePort,
    Type: 'tcp',
    ...(PublicPort === undefined ? {} : { PublicPort, IP }),
  });
  assert.equal(formatPorts([port(81, 8081), port(80, 8080), port(443)]), '443/tcp, 0.0.0.0:8080-8081->80-81/tcp');
  assert.equal(formatPorts([port(80, 8080, '::'), port(81, 9000, '::')]), '[::]:8080->80/tcp, [::]:9000->81/tcp');
  assert.equal(formatPorts([]), '');
});
