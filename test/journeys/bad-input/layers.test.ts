/** Layers that try to reach what is not theirs, by load and by pull: the host must not change. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { archiveOf, directory, hardLink, symlink } from '#/core/layers/archive-fixture.ts';
import { placeCanary, type Canary } from '../../support/canary.ts';
import { startFakeRegistry, wireImage } from '../../support/fake-registry.ts';
import { startJourney, type Journey } from '../../support/journey.ts';
import { busyboxLayer, dockerArchive } from '../../support/layered-image.ts';

let journey: Journey;
let canary: Canary;
/** Enough to climb from any directory to the root. */
const up = '../'.repeat(40);

before(async () => {
  journey = await startJourney();
  canary = await placeCanary();
});

after(async () => {
  await journey[Symbol.asyncDispose]();
  await canary[Symbol.asyncDispose]();
});

/** Refused for that reason, however it comes, and nothing is left. */
async function assertRefused(layers: readonly Uint8Array[], why: RegExp): Promise<void> {
  const images = await journey.client.images.list();
  await assert.rejects(journey.load(dockerArchive('hostile:1', { layers })), why);
  await using registry = await startFakeRegistry(wireImage({ layers }));
  await assert.rejects(journey.pull(`${registry.host}/app:1`), why);
  await canary.assertUnharmed();
  assert.deepEqual(await journey.client.images.list(), images);
  await journey.assertInOrder();
}

/** Taken, but what it wrote is within its own root: the commands show it, and the host is as before. */
async function assertConfined(layers: readonly Uint8Array[], command: string, output: string): Promise<void> {
  await journey.load(dockerArchive('confined:1', { layers: [await busyboxLayer(), ...layers] }));
  assert.deepEqual(await journey.run('confined:1', ['sh', '-c', command]), { code: 0, output });
  await canary.assertUnharmed();
  await journey.client.images.remove('confined:1');
  await journey.assertInOrder();
}

test('a layer with ".." in a name is refused', async () => {
  await assertRefused([archiveOf({ name: `${up}${canary.path}/victim`, content: 'x' })], /its name has "\.\."/);
  await assertRefused([archiveOf(directory('a'), { name: 'a/../../x' })], /"a\/\.\.\/\.\.\/x": its name has "\.\."/);
  await assertRefused([archiveOf({ name: `${up}tmp/.wh.victim` })], /its name has "\.\."/);
});

test('a hard link out of the layer is refused', async () => {
  const victim = `${canary.path}/victim`;
  await assertRefused([archiveOf(hardLink('mine', `${up}${victim}`))], /its link has "\.\."/);
  await assertRefused([archiveOf(hardLink('mine', victim))], /hard link|does not exist/);
  const through = archiveOf(symlink('away', canary.path), hardLink('mine', 'away/victim'));
  await assertRefused([through], /hard link|does not exist/);
});

test('absolute names and links are those of the image', async () => {
  const { path } = canary;
  const layer = archiveOf({ name: join(path, 'victim'), content: 'own' }, symlink('link', join(path, 'victim')));
  await assertConfined([layer], 'cat /link', 'own');
});

test('a directory that became a symbolic link is written through only within the image', async () => {
  const { path } = canary;
  const inOneLayer = archiveOf(directory('d'), symlink('d', path), { name: 'd/victim', content: 'own' });
  await assertConfined([inOneLayer], `cat ${path}/victim; ls -d /d/victim`, 'own/d/victim\n');
  const first = archiveOf(directory('d'), { name: 'd/victim', content: 'first' });
  const second = archiveOf(symlink('d', path));
  const third = archiveOf({ name: 'd/victim', content: 'third' });
  await assertConfined([first, second, third], 'cat /d/victim', 'third');
  const climbing = archiveOf(symlink('d', `${up}${path}`), { name: 'd/victim', content: 'own' });
  await assertConfined([climbing], 'cat /d/victim', 'own');
});

test('whiteouts, opaque marks, modes and owners reach through links only within the image', async () => {
  const { path } = canary;
  const base = archiveOf(symlink('d', path));
  const remove = archiveOf({ name: 'd/.wh.victim' });
  await assertConfined([base, remove], 'test -e /d/victim || echo gone', 'gone\n');
  const clear = archiveOf({ name: 'd/.wh..wh..opq' });
  await assertConfined([base, clear], 'test -e /d/etc/passwd || echo gone', 'gone\n');
  const own = archiveOf({ name: 'd/etc/passwd', content: 'x', mode: 0o4777, uid: 1234 });
  await assertConfined([base, own], 'cat /d/etc/passwd', 'x');
});

test('a link in the image leads no file of the engine’s astray', async () => {
  const layer = archiveOf(
    symlink('etc/passwd', `${up}${canary.path}/etc/passwd`),
    symlink('etc/group', `${canary.path}/victim`),
    symlink('proc/self', canary.path),
  );
  await assertConfined([layer], 'echo started', 'started\n');
});

test('a layer that breaks after half of its entries leaves nothing of the other half', async () => {
  const good = archiveOf({ name: 'good', content: 'x'.repeat(100_000) });
  const bad = archiveOf({ name: 'first', content: 'x'.repeat(100_000) }, { name: '../second' });
  await assertRefused([await busyboxLayer(), good, bad], /"\.\.\/second": its name has "\.\."/);
});
