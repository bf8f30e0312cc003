import { createHash, type Hash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EngineError } from '#/base/errors.ts';
import { namingFullDisk } from '#/base/disk-full.ts';
import { digestSoFar, fileDigestLike, hashFile, hashSlices } from '#/core/content/hash-slices.ts';
import { algorithmOf, type Digest } from '#/oci/digest.ts';

const algorithm = 'sha256';
const copySize = 1024 * 1024;

/** A file that only grows, and always knows the digest of what is in it. */
export class GrowingFile implements AsyncDisposable {
  readonly path: string;
  readonly #file: FileHandle;
  #hash: Hash;
  #size: number;

  constructor(path: string, file: FileHandle, hash: Hash, size: number) {
    this.path = path;
    this.#file = file;
    this.#hash = hash;
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  digest(): Digest {
    return digestSoFar(algorithm, this.#hash);
  }

  /** The digest by the algorithm that `like` uses; for another than sha256 the file is read once more. */
  async digestLike(like: Digest): Promise<Digest> {
    return algorithmOf(like) === algorithm ? this.digest() : await fileDigestLike(like, this.#file, this.#size);
  }

  /** Writes and hashes side by side. After a failure the file is as it was before. */
  async append(chunk: Uint8Array): Promise<void> {
    const hash = this.#hash.copy();
    const hashed = hashSlices(hash, chunk);
    try {
      await namingFullDisk(`Cannot write ${chunk.length} bytes`, this.path, () => this.#writeAll(chunk));
    } catch (error) {
      await Promise.allSettled([hashed, this.#file.truncate(this.#size)]);
      throw error;
    }
    await hashed;
    this.#hash = hash;
    this.#size += chunk.length;
  }

  /** Appends what another file has. */
  async appendFile(path: string): Promise<void> {
    for await (const chunk of createReadStream(path, { highWaterMark: copySize })) await this.append(chunk as Buffer);
  }

  /** Back to nothing. */
  async clear(): Promise<void> {
    await this.#file.truncate(0);
    this.#hash = createHash(algorithm);
    this.#size = 0;
  }

  /** Brings the bytes to the disk, and lets nobody write them from now on. `data-loss` when somebody else changed the file. */
  async seal(): Promise<void> {
    const { size } = await this.#file.stat();
    if (size !== this.#size)
      throw new EngineError(
        'data-loss',
        `Cannot keep "${this.path}": it has ${size} bytes where ${this.#size} were written; something else changed it`,
      );
    await this.#file.chmod(0o444);
    await namingFullDisk('Cannot bring an upload to the disk', this.path, () => this.#file.datasync());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  async #writeAll(chunk: Uint8Array): Promise<void> {
    for (let done = 0; done < chunk.length;) {
      const { bytesWritten } = await this.#file.write(chunk, done, chunk.length - done, this.#size + done);
      done += bytesWritten;
    }
  }
}

/** Opens a file with what it has, hashing that, or makes it with its directory. */
export async function openGrowingFile(path: string): Promise<GrowingFile> {
  return await namingFullDisk('Cannot open an upload', path, async () => {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o644);
    try {
      const hash = createHash(algorithm);
      const size = await hashFile(hash, file, (await file.stat()).size);
      return new GrowingFile(path, file, hash, size);
    } catch (error) {
      await file.close();
      throw error;
    }
  });
}
