import { lstat, mkdir, open, rename, rm, symlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { EngineError } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { readContent } from '#/client/containerd/content.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import type { TarEntry } from '#/oci/tar-entry.ts';
import { TarReader } from '#/oci/tar-reader.ts';

export interface InstallWish {
  readonly directory: string;
  /** At the top of the image: what lies right in them is copied. */
  readonly folders: readonly string[];
  readonly replace: boolean;
}

/** Copies files and links of a layer. A file appears whole or not at all. */
export async function installLayer(client: ContainerdClient, layer: Descriptor, wish: InstallWish): Promise<void> {
  const reader = new TarReader();
  let current: NewFile | undefined;
  try {
    for await (const chunk of plainBytes(client, layer))
      for (const event of reader.push(chunk))
        switch (event.kind) {
          case 'entry':
            current = await beginEntry(event.entry, wish);
            break;
          case 'data':
            await current?.file.write(event.bytes, 0, event.bytes.length, event.offset);
            break;
          case 'end':
            await finish(current);
            current = undefined;
        }
    reader.finish();
  } finally {
    if (current !== undefined) await discard(current);
  }
}

function plainBytes(client: ContainerdClient, { digest, mediaType }: Descriptor): AsyncIterable<Uint8Array> {
  const source = Readable.from(readContent(client, digest));
  const inflate = mediaType.endsWith('gzip')
    ? createGunzip()
    : mediaType.endsWith('zstd')
      ? createZstdDecompress()
      : undefined;
  if (inflate === undefined) return source as AsyncIterable<Buffer>;
  source.on('error', (error) => inflate.destroy(error));
  return source.pipe(inflate) as AsyncIterable<Buffer>;
}

interface NewFile {
  readonly file: FileHandle;
  readonly temporary: string;
  readonly place: string;
}

/** Undefined for what is not copied, and for links, which are done at once. */
async function beginEntry(entry: TarEntry, wish: InstallWish): Promise<NewFile | undefined> {
  const name = entry.name.replace(/^(?:\.?\/)+/, '').replace(/\/$/, '');
  const folder = dirname(name);
  if (!wish.folders.includes(folder) || ['.', '..', ''].includes(basename(name))) return undefined;
  if (entry.type !== 'file' && entry.type !== 'symlink') return undefined;
  const place = join(wish.directory, folder, basename(name));
  await makeRoom(place, wish);
  if (entry.type === 'symlink') {
    await symlink(entry.linkName, place);
    return undefined;
  }
  const temporary = `${place}.installing`;
  return { file: await open(temporary, 'w', entry.mode & 0o777), temporary, place };
}

async function makeRoom(place: string, { replace }: InstallWish): Promise<void> {
  await mkdir(dirname(place), { recursive: true });
  const isThere = await lstat(place).then(
    () => true,
    () => false,
  );
  if (isThere && !replace)
    throw new EngineError('already-exists', `Cannot install "${place}": it is there already; use --replace`);
  if (isThere) await rm(place);
}

async function finish(current: NewFile | undefined): Promise<void> {
  if (current === undefined) return;
  await current.file.sync();
  await current.file.close();
  await rename(current.temporary, current.place);
}

async function discard({ file, temporary }: NewFile): Promise<void> {
  await file.close();
  await rm(temporary, { force: true });
}
