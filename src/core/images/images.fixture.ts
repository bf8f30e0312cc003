/** For tests: a whole image store in a temporary directory, and small real images made by umoci and skopeo. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtempDisposable, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openContent } from '#/core/content/open-content.ts';
import type { ContentStore } from '#/core/content/contract.ts';
import { createEvents } from '#/core/events/create-events.ts';
import type { Envelope, Events } from '#/core/events/contract.ts';
import { openGarbage } from '#/core/garbage/open-garbage.ts';
import type { Images } from '#/core/images/contract.ts';
import { openImages } from '#/core/images/open-images.ts';
import { openLayers } from '#/core/layers/open-layers.ts';
import type { Metadata } from '#/core/metadata/contract.ts';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import type { Registry } from '#/core/registry/contract.ts';
import { openRegistry } from '#/core/registry/open-registry.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { digestOf, type Digest } from '#/oci/digest.ts';
import { mediaTypes } from '#/oci/manifest.ts';
import type { Platform } from '#/oci/platform.ts';
import type { Snapshotter, Snapshotters } from '#/core/snapshots/contract.ts';
import { openOverlay } from '#/core/snapshots/overlay.ts';

const runFile = promisify(execFile);

export async function command(file: string, ...args: string[]): Promise<string> {
  const { stdout } = await runFile(file, args, { maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

export interface TestStore extends AsyncDisposable {
  readonly directory: string;
  readonly metadata: Metadata;
  readonly content: ContentStore;
  readonly events: Events;
  readonly images: Images;
  readonly overlay: Snapshotter;
  /** What was published so far. */
  readonly published: readonly Envelope[];
}

export async function openStore(
  registry: Registry = openRegistry({ userAgent: 'berth-test', configFiles: [], stallTimeout: 5000 }),
  change: (overlay: Snapshotter) => Snapshotter = (overlay) => overlay,
): Promise<TestStore> {
  const stack = new AsyncDisposableStack();
  const { path: directory } = stack.use(await mkdtempDisposable(join(tmpdir(), 'berth-images-')));
  const metadata = stack.use(await openMetadata({ path: join(directory, 'meta.db') }));
  const content = await openContent({ root: join(directory, 'content'), metadata });
  const overlay = change(stack.use(await openOverlay({ root: join(directory, 'overlay'), metadata })));
  const snapshotters: Snapshotters = new Map([['overlayfs', overlay]]);
  const layers = stack.use(await openLayers({ temporaryDirectory: join(directory, 'mounts') }));
  const events = createEvents();
  const published: Envelope[] = [];
  const stop = new AbortController();
  const watching = watch(events, published, stop.signal);
  stack.defer(async () => {
    stop.abort();
    await watching;
  });
  const garbage = stack.use(openGarbage({ metadata, content, snapshotters, events, byItself: false }));
  const images = openImages({ metadata, content, snapshotters, layers, registry, events, garbage });
  return {
    directory,
    metadata,
    content,
    events,
    images,
    overlay,
    published,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function watch(events: Events, published: Envelope[], signal: AbortSignal): Promise<void> {
  for await (const envelope of events.subscribe(signal)) published.push(envelope);
}

export const topicsOf = ({ published }: TestStore): string[] => published.map(({ event }) => event.topic);

/** An OCI layout with one image, tag `test`, of as many layers as there are texts: each layer is one file. */
export async function makeLayout(
  directory: string,
  { texts, architecture = 'amd64' }: { readonly texts: readonly string[]; readonly architecture?: string },
): Promise<string> {
  const layout = join(directory, `layout-${architecture}`);
  const image = `${layout}:test`;
  const bundle = join(directory, `bundle-${architecture}`);
  await command('umoci', 'init', '--layout', layout);
  await command('umoci', 'new', '--image', image);
  await command(
    'umoci',
    'config',
    '--image',
    image,
    '--architecture',
    architecture,
    '--os',
    'linux',
    '--config.cmd',
    '/bin/sh',
  );
  for (const [index, text] of texts.entries()) {
    await command('umoci', 'unpack', '--image', image, bundle);
    if (index === 0) {
      await mkdir(join(bundle, 'rootfs/bin'), { recursive: true });
      await cp('/bin/busybox', join(bundle, 'rootfs/bin/busybox'));
    }
    await writeFile(join(bundle, `rootfs/layer-${index}`), text);
    await command('umoci', 'repack', '--image', image, bundle);
    await rm(bundle, { recursive: true });
  }
  return layout;
}

/** Pushes a layout's image to a test registry by skopeo. */
export async function pushLayout(layout: string, host: string, name: string): Promise<void> {
  await command('skopeo', 'copy', '-q', '--dest-tls-verify=false', `oci:${layout}:test`, `docker://${host}/${name}`);
}

/**
 * Pushes layouts into one repository of a test registry, and an index of them under the tag `1`, with an attestation
 * such as builders add.
 */
export async function pushIndex(
  host: string,
  name: string,
  layouts: Readonly<Record<string, string>>,
): Promise<{ readonly index: Digest; readonly manifests: Readonly<Record<string, Digest>> }> {
  const entries: (Descriptor & { readonly platform: Platform })[] = [];
  for (const [architecture, layout] of Object.entries(layouts)) {
    await pushLayout(layout, host, `${name}:${architecture}`);
    const raw = await command(
      'skopeo',
      'inspect',
      '--raw',
      '--tls-verify=false',
      `docker://${host}/${name}:${architecture}`,
    );
    const platform = { os: 'linux', architecture };
    entries.push({ mediaType: mediaTypes.ociManifest, digest: digestOf(raw), size: Buffer.byteLength(raw), platform });
  }
  const [first] = entries;
  const attestation = { ...first, platform: { os: 'unknown', architecture: 'unknown' } };
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: [attestation, ...entries],
  });
  const put = await fetch(`http://${host}/v2/${name}/manifests/1`, {
    method: 'PUT',
    headers: { 'content-type': mediaTypes.ociIndex },
    body: index,
  });
  if (put.status !== 201) throw new Error(`the registry answered ${put.status}: ${await put.text()}`);
  const manifests = Object.fromEntries(entries.map(({ platform, digest }) => [platform.architecture, digest]));
  return { index: digestOf(index), manifests };
}

/** Reads a file of an unpacked image through a snapshot on top of its chain. */
export async function readFromImage(store: TestStore, namespace: string, top: string, path: string): Promise<string> {
  const key = `look-${Math.random()}`;
  const mountPoint = join(store.directory, key);
  await mkdir(mountPoint);
  const [mount] = await store.overlay.view(namespace, key, top);
  if (mount === undefined) throw new Error('no mount');
  const options = mount.options.join(',');
  await command('mount', '-t', mount.type, '-o', options, mount.source, mountPoint);
  try {
    return await readFile(join(mountPoint, path), 'utf8');
  } finally {
    await command('umount', mountPoint);
    await store.overlay.remove(namespace, key);
  }
}
