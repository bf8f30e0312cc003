/** Registries that lie, break off, or have something else, asked by `POST /images/create`. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { archiveOf } from '#/core/layers/archive-fixture.ts';
import { digestOf } from '#/oci/digest.ts';
import {
  startFakeRegistry,
  wireImage,
  type Special,
  type WireImage,
  type WireLies,
} from '../../support/fake-registry.ts';
import { startJourney, type Journey } from '../../support/journey.ts';
import { busyboxLayer } from '../../support/layered-image.ts';
import { readRecords } from '../../support/read-records.ts';

let journey: Journey;

before(async () => {
  journey = await startJourney();
});

after(async () => {
  await journey[Symbol.asyncDispose]();
});

/** Never the same twice, so that no test finds what another has downloaded. */
const freshLayers = async (): Promise<Buffer[]> => [
  await busyboxLayer({ name: 'chance', content: randomBytes(100) }),
  archiveOf({ name: 'random', content: randomBytes(500_000) }),
];

const freshImage = async (lies: WireLies = {}, architecture?: string): Promise<WireImage> =>
  wireImage({ layers: await freshLayers(), ...(architecture === undefined ? {} : { architecture }) }, lies);

interface Refusal {
  readonly image?: WireImage;
  readonly special?: Special;
  readonly why: RegExp;
  readonly platform?: string;
}

async function assertRefused({ image, special, why, platform }: Refusal): Promise<void> {
  const before = await journey.client.images.list();
  await using registry = await startFakeRegistry(image ?? (await freshImage()), special);
  const name = `${registry.host}/app:1`;
  await assert.rejects(journey.pull(name, platform === undefined ? {} : { platform }), why);
  assert.deepEqual(await journey.client.images.list(), before);
  await journey.assertInOrder({ uploads: true });
}

const secondLayer = ({ layers: stored }: WireImage): string => stored[1]?.digest ?? '';

test('pull refuses a blob with other bytes, fewer or more than the manifest says', async () => {
  const image = await freshImage();
  const spoilt = secondLayer(image);
  const send =
    (change: (data: Buffer) => Buffer): Special =>
    (asked, _, response) => {
      if (asked.digest !== spoilt) return false;
      response.writeHead(200).end(change(asked.data));
      return true;
    };
  const flip = (data: Buffer): Buffer => Buffer.from(data.map((byte, at) => (at === 4321 ? byte ^ 1 : byte)));
  await assertRefused({
    image,
    special: send(flip),
    why: new RegExp(`the registry sent other bytes than the manifest names.*${spoilt}`),
  });
  const longer = (data: Buffer): Buffer => Buffer.concat([data, data]);
  await assertRefused({
    image,
    special: send(longer),
    why: new RegExp(`fetch blob ${spoilt}.*(more bytes|has \\d+ bytes where the manifest says)`),
  });
  const { ingests } = readRecords(journey.daemon.root);
  assert.deepEqual(
    ingests.filter(({ ref }) => ref.includes(spoilt)),
    [],
    'what a liar sent is not gone on from',
  );
  const shorter = (data: Buffer): Buffer => data.subarray(0, 1000);
  await assertRefused({
    image,
    special: send(shorter),
    why: new RegExp(`fetch blob ${spoilt} of .*: the server stopped \\d+ bytes before the end`),
  });
});

test('pull refuses a blob that always breaks off, and takes up what it has of one that breaks off once', async () => {
  const image = await freshImage();
  const broken = secondLayer(image);
  const breakOff: Special = (asked, request, response) => {
    if (asked.digest !== broken || request.method === 'HEAD') return false;
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(206, {
      'content-range': `bytes ${start}-${asked.data.length - 1}/${asked.data.length}`,
      'content-length': asked.data.length - start,
    });
    response.write(asked.data.subarray(start, start + 10_000), () => setTimeout(() => response.destroy(), 20));
    return true;
  };
  await assertRefused({ image, special: breakOff, why: new RegExp(`Cannot .*${broken}`) });
  let breaks = 1;
  await using registry = await startFakeRegistry(image, (asked, request, response) =>
    asked.digest === broken && breaks-- > 0 ? breakOff(asked, request, response) : false,
  );
  await journey.pull(`${registry.host}/app:1`);
  assert.equal((await journey.run(`${registry.host}/app:1`, ['true'])).code, 0);
  await journey.client.images.remove(`${registry.host}/app:1`);
  await journey.assertInOrder({ uploads: true });
});

test('pull refuses manifests that lie about sizes and digests', async () => {
  const smaller = await freshImage({ describe: (layer) => ({ ...layer, size: layer.size - 1 }) });
  await assertRefused({ image: smaller, why: /fetch blob sha256:.*bytes/ });
  const larger = await freshImage({ describe: (layer) => ({ ...layer, size: layer.size + 1 }) });
  await assertRefused({ image: larger, why: /fetch blob sha256:.*bytes/ });
  const negative = await freshImage({ describe: (layer) => ({ ...layer, size: -1 }) });
  await assertRefused({ image: negative, why: /size/ });
  const digest = 'sha256:../../../../etc/passwd';
  const noDigest = await freshImage({ describe: (layer) => ({ ...layer, digest }) });
  await assertRefused({ image: noDigest, why: /digest/ });
  const missing = await freshImage({ describe: (layer) => ({ ...layer, digest: digestOf('not there') }) });
  await assertRefused({ image: missing, why: /404|not found/i });
});

test('pull refuses another manifest than it asked for', async () => {
  const image = await freshImage();
  const other = Buffer.from(JSON.stringify({ schemaVersion: 2, config: {}, layers: [] }));
  const special: Special = ({ kind }, request, response) => {
    if (kind !== 'manifests') return false;
    const headers = { 'content-type': image.manifest.mediaType, 'docker-content-digest': image.manifest.digest };
    response.writeHead(200, { ...headers, 'content-length': other.length });
    response.end(request.method === 'HEAD' ? undefined : other);
    return true;
  };
  await assertRefused({ image, special, why: /digest|bytes/ });
  const page: Special = ({ kind }, _, response) => {
    if (kind === 'manifests')
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>please log in</html>');
    return kind === 'manifests';
  };
  await assertRefused({ image, special: page, why: /manifest/ });
});

test('pull refuses layers whose content is not what the config says', async () => {
  const layers = await freshLayers();
  const lying = wireImage({ layers, diffIds: layers.map((_, index) => digestOf(`lie ${index}`)) });
  await assertRefused({ image: lying, why: /Cannot unpack layer sha256:[0-9a-f]+: its uncompressed digest is/ });
});

test('pull says which platforms an image is for when it is not for ours, or not for the one asked for', async () => {
  const index = await freshImage({ indexFor: { os: 'linux', architecture: 's390x' } }, 's390x');
  await assertRefused({ image: index, why: /linux\/s390x/ });
  await assertRefused({ image: await freshImage({}, 's390x'), why: /linux\/s390x/ });
  await assertRefused({ why: /linux\/riscv64/, platform: 'linux/riscv64' });
  await assertRefused({ why: /platform/, platform: 'not a platform!' });
});

test('pull says what it could not reach or find', async () => {
  await using registry = await startFakeRegistry(await freshImage());
  await assert.rejects(journey.pull(`${registry.host}/none:1`), /none.*(404|not found)/i);
  await assert.rejects(journey.pull('localhost:1/app:1'), /localhost:1.*nothing listens there/);
  for (const name of ['UPPER:1', 'a b:1', '../app:1', `${registry.host}/app:${'t'.repeat(200)}`])
    await assert.rejects(journey.pull(name), /Cannot|invalid/i);
  await journey.assertInOrder({ uploads: true });
});

test('two pulls of one image at once share every download', async () => {
  const image = await freshImage();
  const slow: Special = (asked, request, response) => {
    if (asked.kind !== 'blobs' || request.method === 'HEAD') return false;
    response.writeHead(200, { 'content-length': asked.data.length });
    void (async () => {
      for (let at = 0; at < asked.data.length; at += 100_000) {
        response.write(asked.data.subarray(at, at + 100_000));
        await delay(30);
      }
      response.end();
    })();
    return true;
  };
  await using registry = await startFakeRegistry(image, slow);
  const name = `${registry.host}/app:1`;
  const all = await Promise.all([1, 2, 3].map(async () => journey.pull(name)));
  for (const lines of all) assert.match(lines.at(-1) ?? '', /Status: /);
  const downloads = registry.requests.filter((line) => line.startsWith('GET blobs'));
  assert.equal(downloads.length, new Set(downloads).size, downloads.join('\n'));
  assert.equal(downloads.length, 3);
  assert.equal((await journey.run(name, ['true'])).code, 0);
  await journey.client.images.remove(name);
  await journey.assertInOrder({ uploads: true });
});

test('a pull whose client goes away stops, and leaves no more than what can be taken up again', async () => {
  const endless: Special = (asked, request, response) => {
    if (asked.kind !== 'blobs' || request.method === 'HEAD' || asked.data.length < 100_000) return false;
    response.writeHead(200, { 'content-length': asked.data.length });
    response.write(asked.data.subarray(0, 50_000));
    return true;
  };
  await using registry = await startFakeRegistry(await freshImage(), endless);
  const leaving = new AbortController();
  const pulling = journey.client.images.pull({ repository: `${registry.host}/app`, tag: '1', signal: leaving.signal });
  setTimeout(() => leaving.abort(), 500);
  await assert.rejects(pulling.then(async (lines) => Array.fromAsync(lines)));
  await journey.assertInOrder({ uploads: true });
});
