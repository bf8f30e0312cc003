import { constants, lstatSync, readdirSync, readlinkSync, type BigIntStats } from 'node:fs';
import { encodeName } from '#/oci/tar-entry.ts';

/** A file of one tree. */
export interface TreeFile {
  readonly path: string;
  readonly status: BigIntStats;
}

/** Names and paths here are byte strings, as in archives. */
export function pathBytes(path: string): string | Buffer {
  const bytes = encodeName(path);
  return typeof bytes === 'string' ? bytes : Buffer.from(bytes);
}

/** Status of the path itself; undefined when nothing is there. */
export function statusOf(path: string): BigIntStats | undefined {
  return lstatSync(pathBytes(path), { bigint: true, throwIfNoEntry: false });
}

export function listNames(path: string): string[] {
  return readdirSync(pathBytes(path), { encoding: 'latin1' });
}

export function linkTarget(path: string): string {
  return readlinkSync(pathBytes(path), { encoding: 'latin1' });
}

export function isDirectory(mode: bigint): boolean {
  return (Number(mode) & constants.S_IFMT) === constants.S_IFDIR;
}
