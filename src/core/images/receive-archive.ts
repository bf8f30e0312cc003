import { posix } from 'node:path';
import { EngineError, isKind } from '#/base/errors.ts';
import { newToken } from '#/base/ids.ts';
import type { Ingest } from '#/core/content/contract.ts';
import type { ImageProgress } from '#/core/images/contract.ts';
import type { ImageParts } from '#/core/images/image-parts.ts';
import { isDigest, type Digest } from '#/oci/digest.ts';
import { quoteName, type TarEntry } from '#/oci/tar-entry.ts';
import type { TarEvent } from '#/oci/tar-reader.ts';
import { readTarStream } from '#/oci/tar-stream.ts';

export interface ReceivedFile {
  readonly digest: Digest;
  readonly size: number;
}

/** An archive taken in: its large files are blobs now, its few documents are in memory. */
export interface ReceivedArchive {
  /** `index.json`, `manifest.json` and `oci-layout`, where there. */
  readonly documents: ReadonlyMap<string, Uint8Array>;
  /** The blob that an entry became, links followed. Throws `not-found`. */
  file(name: string): ReceivedFile;
}

export interface ReceiveContext {
  readonly parts: ImageParts;
  readonly namespace: string;
  readonly lease: string;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (progress: ImageProgress) => void;
}

const documentNames: ReadonlySet<string> = new Set(['index.json', 'manifest.json', 'oci-layout']);
/** What docker save adds for readers of long ago. */
const relics = /(^|\/)(VERSION|json|repositories)$/;
const largestDocument = 8 * 1024 * 1024;
const maxEntries = 100_000;
const maxLinks = 16;
const progressInterval = 100;

/** Reads a plain tar stream once, entries in any order, and stores every file as it comes. */
export async function receiveArchive(
  context: ReceiveContext,
  archive: AsyncIterable<Uint8Array>,
): Promise<ReceivedArchive> {
  const receiver = new Receiver(context);
  try {
    for await (const event of readTarStream(archive)) {
      context.signal?.throwIfAborted();
      await receiver.take(event);
    }
  } finally {
    await receiver.drop();
  }
  return receiver;
}

type Current =
  | { readonly kind: 'skip' }
  | { readonly kind: 'document'; readonly name: string; readonly chunks: Uint8Array[]; size: number }
  | { readonly kind: 'file'; readonly entry: TarEntry; readonly name: string; readonly ingest: Ingest; told: number };

class Receiver implements ReceivedArchive {
  readonly documents = new Map<string, Buffer>();
  readonly #context: ReceiveContext;
  readonly #files = new Map<string, ReceivedFile>();
  readonly #links = new Map<string, string>();
  readonly #token = newToken();
  #entries = 0;
  #current: Current = { kind: 'skip' };

  constructor(context: ReceiveContext) {
    this.#context = context;
  }

  async take(event: TarEvent): Promise<void> {
    switch (event.kind) {
      case 'entry':
        this.#current = await this.#begin(event.entry);
        return;
      case 'data':
        await this.#add(event.offset, event.bytes);
        return;
      case 'end':
        await this.#end();
    }
  }

  file(name: string): ReceivedFile {
    let path = plainName(name);
    for (let hops = 0; hops < maxLinks; hops += 1) {
      const file = this.#files.get(path);
      if (file !== undefined) return file;
      const target = this.#links.get(path);
      if (target === undefined) break;
      path = target;
    }
    throw new EngineError('not-found', `Cannot import the archive: it names ${quoteName(name)}, which is not in it`);
  }

  /** Gives up what was being received when the archive broke off. */
  async drop(): Promise<void> {
    if (this.#current.kind !== 'file') return;
    const { ingest } = this.#current;
    this.#current = { kind: 'skip' };
    const { ref } = ingest.status();
    await ingest[Symbol.asyncDispose]();
    await this.#context.parts.content.abortIngest(this.#context.namespace, ref);
  }

  async #begin(entry: TarEntry): Promise<Current> {
    this.#entries += 1;
    if (this.#entries > maxEntries)
      throw new EngineError('resource-exhausted', `Cannot import the archive: it has more than ${maxEntries} entries`);
    const name = plainName(entry.name);
    if (entry.type === 'symlink') this.#links.set(name, plainName(posix.join(posix.dirname(name), entry.linkName)));
    if (entry.type === 'hard-link') this.#links.set(name, plainName(entry.linkName));
    if (entry.type !== 'file' || relics.test(name)) return { kind: 'skip' };
    if (!documentNames.has(name)) return await this.#beginFile(entry, name);
    if (entry.size > largestDocument) throw refuse(entry, `it is larger than ${largestDocument} bytes`);
    return { kind: 'document', name, chunks: [], size: 0 };
  }

  async #beginFile(entry: TarEntry, name: string): Promise<Current> {
    const { parts, namespace, lease } = this.#context;
    const expected = blobDigest(name);
    const ref = `import-${this.#token}-${this.#entries}`;
    try {
      const ingest = await parts.content.openIngest(namespace, {
        ref,
        total: entry.size,
        lease,
        ...(expected === undefined ? {} : { expected }),
      });
      return { kind: 'file', entry, name, ingest, told: 0 };
    } catch (error) {
      if (expected === undefined || !isKind(error, 'already-exists')) throw error;
      this.#remember(name, { digest: expected, size: parts.content.info(namespace, expected).size }, 'exists');
      return { kind: 'skip' };
    }
  }

  async #add(offset: number, bytes: Uint8Array): Promise<void> {
    const current = this.#current;
    if (current.kind === 'document') {
      if (offset !== current.size)
        throw new EngineError('invalid-argument', `Cannot import the archive: "${current.name}" has holes`);
      current.chunks.push(Uint8Array.from(bytes));
      current.size += bytes.byteLength;
    } else if (current.kind === 'file') {
      await this.#addToFile(current, offset, bytes);
    }
  }

  async #addToFile(current: Extract<Current, { kind: 'file' }>, offset: number, bytes: Uint8Array): Promise<void> {
    const { ingest, entry } = current;
    // Another namespace had the blob: the ingest began complete.
    if (ingest.status().expected !== '') return;
    if (ingest.status().offset !== offset) throw refuse(entry, 'it is stored with holes');
    await ingest.write(bytes);
    const digest = blobDigest(current.name);
    if (digest === undefined || Date.now() - current.told < progressInterval) return;
    current.told = Date.now();
    this.#context.onProgress({ kind: 'downloading', digest, current: offset + bytes.byteLength, total: entry.size });
  }

  async #end(): Promise<void> {
    const current = this.#current;
    if (current.kind === 'document') this.#keepDocument(current);
    if (current.kind === 'file') await this.#commit(current);
    this.#current = { kind: 'skip' };
  }

  #keepDocument({ name, chunks }: Extract<Current, { kind: 'document' }>): void {
    const bytes = Buffer.concat(chunks);
    if (this.documents.get(name)?.equals(bytes) === false) throw isThereTwice(name);
    this.documents.set(name, bytes);
  }

  async #commit({ entry, name, ingest }: Extract<Current, { kind: 'file' }>): Promise<void> {
    const { parts, namespace } = this.#context;
    const digest = blobDigest(name) ?? ingest.digest();
    try {
      await ingest.commit({ size: entry.size, expected: digest });
      parts.events.publish(namespace, { topic: '/content/create', digest, size: entry.size });
    } catch (error) {
      if (isKind(error, 'failed-precondition'))
        throw new EngineError('data-loss', refuse(entry, `its content has digest ${ingest.digest()}`).message);
      if (!isKind(error, 'already-exists')) throw error;
    }
    await ingest[Symbol.asyncDispose]();
    this.#remember(name, { digest, size: entry.size }, 'downloaded');
  }

  #remember(name: string, file: ReceivedFile, kind: 'exists' | 'downloaded'): void {
    const before = this.#files.get(name);
    if (before !== undefined && before.digest !== file.digest) throw isThereTwice(name);
    this.#files.set(name, file);
    if (blobDigest(name) !== undefined) this.#context.onProgress({ kind, digest: file.digest });
  }
}

/** Names are keys here, never paths on the disk; one that leaves the archive fits nothing in it. */
function plainName(name: string): string {
  return posix.normalize(`/${name}`).slice(1).replace(/\/$/, '');
}

function blobDigest(name: string): Digest | undefined {
  const [, algorithm = '', hex = ''] = /^blobs\/([a-z0-9]+)\/([0-9a-f]+)$/.exec(name) ?? [];
  const digest = `${algorithm}:${hex}`;
  return isDigest(digest) ? digest : undefined;
}

/** Readers differ in which of two entries they take, so an archive could show each a different image. */
const isThereTwice = (name: string): EngineError =>
  new EngineError(
    'invalid-argument',
    `Cannot import the archive: ${quoteName(name)} is in it twice, with different content`,
  );

function refuse({ name }: TarEntry, why: string): EngineError {
  return new EngineError('invalid-argument', `Cannot import the archive: entry ${quoteName(name)}: ${why}`);
}
