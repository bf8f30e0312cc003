/**
 * Compares what berthd has on record with what the machine has, and says in a sentence each thing that does not fit:
 * records without their files, and files, mounts, processes and cgroups without a record.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf } from '#/base/errors.ts';
import { listMounts } from '#/linux/mount-info.ts';
import { processesOf, type Berthd } from './berthd.ts';
import { readRecords, type RecordedContainer, type Records } from './read-records.ts';

export interface Expected {
  /** Ids of all containers that ever were: whose cgroup is there must run. */
  readonly ids: Iterable<string>;
  /** Downloads that were cut short may wait to be taken up again. */
  readonly uploads?: boolean;
  /** Leases of a daemon that was killed may go on until they end by themselves. */
  readonly leases?: boolean;
}

const patience = 8000;
const contentFolder = 'io.containerd.content.v1.content';
const taskFolder = 'io.containerd.runtime.v2.task';
const snapshotters = ['overlayfs', 'native'];

/** What is left when deletions that go on in the background have had their time. */
export async function findLeftovers(daemon: Berthd, expected: Expected): Promise<string[]> {
  const ids = [...expected.ids];
  for (const deadline = performance.now() + patience; ; await delay(100)) {
    const found = await lookOnce(daemon, { ...expected, ids });
    if (found.length === 0 || performance.now() > deadline) return found;
  }
}

async function lookOnce(
  daemon: Berthd,
  { ids, ...expected }: Expected & { readonly ids: readonly string[] },
): Promise<string[]> {
  const records = readRecords(daemon.root);
  const found = await Promise.all([
    wrongSnapshots(daemon, records),
    wrongContent(daemon, records),
    wrongTasks(daemon, records),
    strayMounts(daemon, records),
    strayProcesses(daemon, records),
    strayCgroups(records, ids),
    strayShimSockets(daemon, records, ids),
  ]);
  return [...wrongRecords(records, expected), ...found.flat()];
}

const isRunning = ({ engine }: RecordedContainer): boolean => engine === undefined || engine.state === 'running';

function wrongRecords(
  { containers, names, intents, ingests, leases, snapshots, leased }: Records,
  { uploads: mayUpload = false, leases: mayLease = false }: Omit<Expected, 'ids'>,
): string[] {
  const held = new Set(leased.map(({ namespace, type, id }) => `${namespace} ${type} ${id}`));
  const kept = new Set(
    containers.map(({ namespace, snapshotter, snapshotKey }) => `${namespace} ${snapshotter} ${snapshotKey}`),
  );
  return [
    ...intents.map(({ id }) => `intent "${id}" is on record`),
    ...(mayLease ? [] : leases.map(({ id }) => `lease "${id}" is left`)),
    ...(mayUpload ? [] : ingests.map(({ ref }) => `upload "${ref}" is left`)),
    ...containers.flatMap(({ id, engine }) =>
      engine?.state === 'creating' || engine?.state === 'removing' ? [`container "${id}" is ${engine.state}`] : [],
    ),
    ...containers.flatMap(({ namespace, id, engine }) => {
      if (engine === undefined) return [];
      const own = names.filter((name) => name.namespace === namespace && name.container === id);
      return own.length === 1 && own[0]?.name === engine.name
        ? []
        : [`container "${id}", "${engine.name}", has the names ${JSON.stringify(own.map(({ name }) => name))}`];
    }),
    ...names.flatMap(({ namespace, name, container }) =>
      containers.some((each) => each.namespace === namespace && each.id === container)
        ? []
        : [`name "${name}" is held by "${container}", which is not there`],
    ),
    ...snapshots.flatMap(({ namespace, snapshotter, key, kind }) =>
      kind === 'committed' ||
      kept.has(`${namespace} ${snapshotter} ${key}`) ||
      held.has(`${namespace} snapshots/${snapshotter} ${key}`)
        ? []
        : [`${kind} snapshot "${key}" belongs to nothing`],
    ),
  ];
}

async function wrongSnapshots({ root }: Berthd, { snapshots }: Records): Promise<string[]> {
  const found: string[] = [];
  for (const snapshotter of snapshotters) {
    const own = snapshots.filter((snapshot) => snapshot.snapshotter === snapshotter);
    const recorded = new Set(own.map(({ id }) => String(id)));
    const names = await namesIn(join(root, `io.containerd.snapshotter.v1.${snapshotter}/snapshots`));
    for (const name of names) if (!recorded.has(name)) found.push(`${snapshotter} directory "${name}" has no record`);
    for (const id of recorded) if (!names.includes(id)) found.push(`${snapshotter} snapshot ${id} has no directory`);
    for (const { namespace, key, parent } of own)
      if (parent !== '' && !own.some((other) => other.namespace === namespace && other.key === parent))
        found.push(`snapshot "${key}" stands on "${parent}", which is not there`);
  }
  return found;
}

async function wrongContent({ root }: Berthd, { content, ingests, images }: Records): Promise<string[]> {
  const store = join(root, contentFolder);
  const found: string[] = [];
  const blobs = await namesIn(join(store, 'blobs/sha256'));
  const recorded = new Map(content.map(({ digest, size }) => [digest.slice('sha256:'.length), size]));
  for (const name of blobs) {
    const size = recorded.get(name);
    if (size === undefined) found.push(`blob file "${name}" has no record`);
    else if ((await sizeOf(join(store, 'blobs/sha256', name))) !== size)
      found.push(`blob "${name}" is not ${size} bytes`);
  }
  for (const name of recorded.keys()) if (!blobs.includes(name)) found.push(`blob "${name}" has no file`);
  const uploads = await namesIn(join(store, 'ingest'));
  for (const name of uploads)
    if (!ingests.some(({ directory }) => directory === name)) found.push(`upload directory "${name}" has no record`);
  for (const { name, namespace, target } of images) {
    const { digest } = JSON.parse(target) as { readonly digest: string };
    const own = new Set(content.filter((blob) => blob.namespace === namespace).map((blob) => blob.digest));
    for (const missing of await missingBlobs(store, digest, own)) found.push(`image "${name}" lacks ${missing}`);
  }
  return found;
}

interface ImageDocument {
  readonly config?: { readonly digest: string };
  readonly layers?: readonly { readonly digest: string }[];
  readonly manifests?: readonly { readonly digest: string }[];
}

/** Of an image's blobs; an index may lack manifests of other platforms, but each that is there is whole. */
async function missingBlobs(store: string, digest: string, own: ReadonlySet<string>): Promise<string[]> {
  if (!own.has(digest)) return [digest];
  const path = join(store, 'blobs', digest.replace(':', '/'));
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return [`the file of ${digest}`];
  const { config, layers = [], manifests = [] } = JSON.parse(text) as ImageDocument;
  const parts = [...(config === undefined ? [] : [config]), ...layers].map((part) => part.digest);
  const present = manifests.filter((manifest) => own.has(manifest.digest));
  const below = await Promise.all(present.map((manifest) => missingBlobs(store, manifest.digest, own)));
  return [...parts.filter((part) => !own.has(part)), ...below.flat()];
}

/** Bundles, their work directories and the directories of streams. */
async function wrongTasks({ root, state }: Berthd, { containers }: Records): Promise<string[]> {
  const running = containers.filter(isRunning);
  const found: string[] = [];
  for (const parent of [join(state, taskFolder), join(root, taskFolder)])
    for (const namespace of await namesIn(parent))
      for (const name of await namesIn(join(parent, namespace)))
        if (!running.some((each) => each.namespace === namespace && each.id === name))
          found.push(`bundle "${join(parent, namespace, name)}" has no running container`);
  for (const name of await namesIn(join(state, 'stdio')))
    if (!containers.some(({ id }) => id.startsWith(name))) found.push(`streams "${name}" have no container`);
  for (const { namespace, id, engine } of running) {
    if (engine === undefined) continue;
    const bundle = join(state, taskFolder, namespace, id);
    if ((await sizeOf(join(bundle, 'config.json'))) === undefined)
      found.push(`container "${id}" runs without a bundle`);
  }
  for (const namespace of await namesIn(join(root, 'containers')))
    for (const name of await namesIn(join(root, 'containers', namespace)))
      if (!containers.some((each) => each.namespace === namespace && each.id === name))
        found.push(`files of container "${name}" are left`);
  return found;
}

async function strayMounts({ directory, root, state }: Berthd, { containers }: Records): Promise<string[]> {
  const usual = new Set(
    containers.filter(isRunning).map(({ namespace, id }) => join(state, taskFolder, namespace, id, 'rootfs')),
  );
  const mounts = (await listMounts()).filter(({ target }) => target.startsWith(`${directory}/`) && target !== root);
  return mounts.flatMap(({ target }) => (usual.has(target) ? [] : [`mount "${target}" is left`]));
}

/** Shims, streams and whatever runs in a container's root; berthd itself and its children are no strays. */
async function strayProcesses({ directory, pid: daemon }: Berthd, { containers }: Records): Promise<string[]> {
  const running = containers.filter(isRunning).map(({ id }) => id);
  const found = await Promise.all(
    (await processesOf(directory)).map(async (pid) => {
      const [command, cgroup, parent] = await Promise.all([commandOf(pid), cgroupOf(pid), parentOf(pid)]);
      if (pid === daemon || parent === daemon || command === '') return [];
      if (
        running.some(
          (id) => command.includes(id) || command.includes(`/stdio/${id.slice(0, 24)}/`) || cgroup.includes(id),
        )
      )
        return [];
      return [`process ${pid} is left: ${command.slice(0, 300)}`];
    }),
  );
  return found.flat();
}

/** Docker's containers have theirs below "berth", those of ctr below their namespace. */
async function strayCgroups({ containers }: Records, ids: readonly string[]): Promise<string[]> {
  const running = new Set(containers.filter(isRunning).map(({ id }) => id));
  const parents = new Set(['berth', ...containers.map(({ namespace }) => namespace), 'default', 'churn']);
  const places = ['/sys/fs/cgroup', ...(await namesIn('/sys/fs/cgroup')).map((name) => join('/sys/fs/cgroup', name))];
  const found: string[] = [];
  for (const place of places)
    for (const parent of parents) {
      const present = new Set(await namesIn(join(place, parent)));
      for (const id of ids)
        if (present.has(id) && !running.has(id)) found.push(`cgroup "${place}/${parent}/${id}" is left`);
    }
  return found;
}

/** Shims listen at the hash of the daemon's socket, namespace and id. */
async function strayShimSockets(
  { address }: Berthd,
  { containers }: Records,
  ids: readonly string[],
): Promise<string[]> {
  const running = new Set(containers.filter(isRunning).map(({ id }) => id));
  const present = new Set(await namesIn('/run/containerd/s'));
  const nameOf = (id: string): string =>
    createHash('sha256')
      .update(join(address, 'default', id))
      .digest('hex');
  return ids.flatMap((id) =>
    present.has(nameOf(id)) && !running.has(id) ? [`the shim socket of "${id}" is left`] : [],
  );
}

/** Digests of stored blobs whose bytes do not have them. One that is collected meanwhile has none. */
export async function findSpoiltBlobs({ root }: Berthd): Promise<string[]> {
  const place = join(root, contentFolder, 'blobs/sha256');
  const spoilt: string[] = [];
  for (const name of await namesIn(place)) {
    const hash = createHash('sha256');
    try {
      await pipeline(createReadStream(join(place, name)), hash);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') continue;
      throw error;
    }
    if (hash.digest('hex') !== name) spoilt.push(name);
  }
  return spoilt;
}

async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch(() => []);
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}

const commandOf = async (pid: number): Promise<string> =>
  (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ').trim();

const cgroupOf = (pid: number): Promise<string> => readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');

async function parentOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^PPid:\s+(\d+)/m.exec(status)?.[1] ?? 0);
}
