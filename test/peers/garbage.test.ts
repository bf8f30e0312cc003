/** The collector against the real one: random records by containerd's API on both, then a sync delete, then what is left. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTime, now } from '#/base/clock.ts';
import { Containers } from '#/gen/containerd/services/containers/v1/containers_pb.ts';
import { Content, WriteAction } from '#/gen/containerd/services/content/v1/content_pb.ts';
import { Images } from '#/gen/containerd/services/images/v1/images_pb.ts';
import { Leases } from '#/gen/containerd/services/leases/v1/leases_pb.ts';
import { Snapshots } from '#/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { digestOf } from '#/oci/digest.ts';
import { openGrpcClient, type GrpcClient } from '#/rpc/grpc-client.ts';
import { startBerthd } from '../support/berthd.ts';
import { startContainerd } from '../support/containerd.ts';
import { findPeerTools } from '../support/peer-tools.ts';
import { createRandom } from '../support/random.ts';

type Random = (below: number) => number;

const tools = findPeerTools();
const seeds = 12;
const words = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const snapshotter = 'native';
const hour = 3600n * 1_000_000_000n;
const gc = (name: string): string => `containerd.io/gc.${name}`;

/** All that is made is held by this lease, until its deletion makes them collect. */
const hold = 'hold';

interface Scene {
  readonly client: GrpcClient;
  readonly random: Random;
  readonly call: { readonly metadata: Readonly<Record<string, string>> };
}

const pick = (random: Random): string => words[random(words.length)] ?? 'a';

function labelsOf(random: Random): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let count = random(3); count > 0; count--) {
    const direction = random(4) === 0 ? 'bref' : 'ref';
    const suffix = ['', '.x', '/y', '.l.0', 'z'][random(5)] ?? '';
    const [name, value] = [
      [`content${suffix}`, digestOf(pick(random))],
      [`image${suffix}`, pick(random)],
      [`snapshot.${snapshotter}${suffix.startsWith('/') ? suffix : ''}`, pick(random)],
      [
        direction === 'bref' ? `container${suffix}` : `content.${count}`,
        direction === 'bref' ? pick(random) : digestOf(pick(random)),
      ],
    ][random(4)] ?? ['', ''];
    labels[gc(`${direction}.${name}`)] = value ?? '';
  }
  if (random(6) === 0) labels[gc('root')] = '1';
  return labels;
}

async function putContent({ client, random, call }: Scene, word: string): Promise<void> {
  const commit = {
    action: WriteAction.COMMIT,
    ref: `ref-${word}`,
    data: Buffer.from(word),
    total: BigInt(word.length),
    expected: digestOf(word),
    labels: labelsOf(random),
  };
  const requests = (async function* () {
    yield commit;
  })();
  for await (const _answer of client.bidi(Content.method.write, requests, call)) continue;
}

async function putSnapshot(
  { client, random, call }: Scene,
  key: string,
  committed: readonly string[],
): Promise<boolean> {
  const parent = random(2) === 0 ? '' : (committed[random(Math.max(1, committed.length))] ?? '');
  const labels = labelsOf(random);
  const commits = random(2) === 0;
  const active = commits ? `${key}-active` : key;
  await client.unary(
    Snapshots.method.prepare,
    { snapshotter, key: active, parent, labels: commits ? {} : labels },
    call,
  );
  if (commits) await client.unary(Snapshots.method.commit, { snapshotter, name: key, key: active, labels }, call);
  return commits;
}

async function putImage({ client, random, call }: Scene, name: string): Promise<void> {
  const expire = [formatTime(now() - hour), formatTime(now() + hour), 'some day', undefined][random(4)];
  const labels = { ...labelsOf(random), ...(expire === undefined ? {} : { [gc('expire')]: expire }) };
  const target = { mediaType: 'm', digest: digestOf(pick(random)), size: 1n };
  await client.unary(Images.method.create, { image: { name, labels, target } }, call);
}

async function putLease({ client, random, call }: Scene, id: string): Promise<void> {
  const labels = {
    ...(random(2) === 0 ? { [gc('flat')]: 'x' } : {}),
    ...(random(3) === 0 ? { [gc('expire')]: formatTime(now() - hour) } : {}),
  };
  await client.unary(Leases.method.create, { id, labels }, call);
  for (let count = 1 + random(3); count > 0; count--) {
    const word = pick(random);
    const [type, resource] = [
      ['content', digestOf(word)],
      ['images', word],
      [`snapshots/${snapshotter}`, word],
    ][random(3)] ?? ['', ''];
    await client.unary(Leases.method.addResource, { id, resource: { type: type ?? '', id: resource ?? '' } }, call);
  }
}

async function putContainer({ client, random, call }: Scene, id: string): Promise<void> {
  const spec = { typeUrl: 's', value: Buffer.from('{}') };
  const place = { snapshotter, snapshotKey: pick(random) };
  const container = { id, runtime: { name: 'r' }, spec, ...place, labels: labelsOf(random) };
  await client.unary(Containers.method.create, { container }, call);
}

/** What is left of a random scene in a namespace of its own. */
async function leftOf(address: string, seed: number): Promise<unknown> {
  await using client = await openGrpcClient(address);
  const plain = { metadata: { 'containerd-namespace': `n${seed}` } };
  await client.unary(Leases.method.create, { id: hold }, plain);
  const call = { metadata: { ...plain.metadata, 'containerd-lease': hold } };
  const scene = { client, random: createRandom(seed).below, call };
  const committed: string[] = [];
  for (const word of words) {
    await putContent(scene, word);
    if (await putSnapshot(scene, word, committed)) committed.push(word);
    if (scene.random(2) === 0) await putImage(scene, word);
    if (scene.random(3) === 0) await putLease(scene, word);
    if (scene.random(4) === 0) await putContainer(scene, word);
  }
  await client.unary(Leases.method.delete, { id: hold, sync: true }, plain);
  const [content, snapshots]: [string[], string[]] = [[], []];
  for await (const { info } of client.serverStream(Content.method.list, {}, plain))
    content.push(...info.map(({ digest }) => digest));
  for await (const { info } of client.serverStream(Snapshots.method.list, { snapshotter }, plain))
    snapshots.push(...info.map(({ name }) => name));
  const { images } = await client.unary(Images.method.list, {}, plain);
  const { leases } = await client.unary(Leases.method.list, {}, plain);
  return {
    content: words.filter((word) => content.includes(digestOf(word))),
    snapshots: snapshots.toSorted(),
    images: images.map(({ name }) => name).toSorted(),
    leases: leases.map(({ id }) => id).toSorted(),
  };
}

test('a sync delete leaves of random records what the real containerd leaves', { skip: tools.skip }, async () => {
  await using containerd = await startContainerd({ program: tools.path('containerd'), path: tools.directory });
  await using berthd = await startBerthd();
  for (let seed = 1; seed <= seeds; seed++) {
    const wanted = await leftOf(containerd.address, seed);
    assert.deepEqual(await leftOf(berthd.address, seed), wanted, `seed ${seed}`);
  }
});
