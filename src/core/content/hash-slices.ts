import { createHash, type Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { algorithmOf, parseDigest, type Digest } from '#/oci/digest.ts';

/** 64 KiB take 0.2 ms: no hash holds the event loop for longer. */
const sliceSize = 64 * 1024;
const readSize = 1024 * 1024;

/** Adds `data` to `hash`, letting the event loop run between slices. */
export async function hashSlices(hash: Hash, data: Uint8Array): Promise<void> {
  for (let start = 0; start < data.length; start += sliceSize) {
    if (start > 0) await setImmediate();
    hash.update(data.subarray(start, start + sliceSize));
  }
}

/** Adds the first `size` bytes of a file to `hash`. Returns how many there were. */
export async function hashFile(hash: Hash, file: FileHandle, size: number): Promise<number> {
  const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(readSize, size)));
  let position = 0;
  while (position < size) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - position), position);
    if (bytesRead === 0) break;
    await hashSlices(hash, buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
  return position;
}

/** What a hash of `algorithm` says so far; it can go on afterwards. */
export function digestSoFar(algorithm: string, hash: Hash): Digest {
  return parseDigest(`${algorithm}:${hash.copy().digest('hex')}`);
}

/** The digest of `data` by the algorithm that `like` uses. */
export async function digestLike(like: Digest, data: Uint8Array): Promise<Digest> {
  const algorithm = algorithmOf(like);
  const hash = createHash(algorithm);
  await hashSlices(hash, data);
  return digestSoFar(algorithm, hash);
}

/** The digest of the first `size` bytes of a file by the algorithm that `like` uses. */
export async function fileDigestLike(like: Digest, file: FileHandle, size: number): Promise<Digest> {
  const algorithm = algorithmOf(like);
  const hash = createHash(algorithm);
  await hashFile(hash, file, size);
  return digestSoFar(algorithm, hash);
}
