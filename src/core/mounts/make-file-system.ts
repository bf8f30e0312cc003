import { access, open, rename, rm } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { EngineError, errnoOf } from '#/base/errors.ts';
import { newToken } from '#/base/ids.ts';
import type { StoredMount } from '#/core/metadata/contract.ts';
import { allowedPlace } from '#/core/mounts/allowed-place.ts';
import { run } from '#/linux/spawn.ts';

const prefix = 'X-containerd.mkfs.';
const timeoutMs = 120_000;
const maxOutput = 256 * 1024;
const largest = 2 ** 44;

/**
 * Makes a file with a file system at the mount's source, unless one is there, as `X-containerd.mkfs.size=`, `.fs=` and
 * `.uuid=` ask, and takes the options away. The file appears whole or not at all.
 */
export async function makeFileSystem(mount: StoredMount, roots: readonly string[]): Promise<StoredMount> {
  const place = await allowedPlace(mount.source, roots);
  const wish = parseWish(mount);
  if (!(await isThere(place))) await make(place, wish);
  return { ...mount, options: mount.options.filter((option) => !option.startsWith(prefix)) };
}

interface Wish {
  readonly size: number;
  readonly type: string;
  readonly uuid: string;
}

function parseWish({ options, source }: StoredMount): Wish {
  const refuse = (why: string): EngineError =>
    new EngineError('invalid-argument', `Cannot make a file system at "${source}": ${why}`);
  const found = new Map<string, string>();
  for (const option of options) {
    if (!option.startsWith(prefix)) continue;
    const [, key = '', value = ''] = /^([a-z]+)(?:=(.*))?$/s.exec(option.slice(prefix.length)) ?? [];
    if (!['size', 'fs', 'uuid'].includes(key)) throw refuse(`mount option ${JSON.stringify(option)} is not known`);
    found.set(key, value);
  }
  const size = parseSize(found.get('size') ?? '');
  if (size === undefined || size <= 0 || size > largest)
    throw refuse('option X-containerd.mkfs.size must say how large');
  const type = found.get('fs') ?? 'ext4';
  if (!['ext2', 'ext3', 'ext4', 'xfs'].includes(type)) throw refuse(`"${type}" is none of ext2, ext3, ext4, xfs`);
  const uuid = found.get('uuid') ?? '';
  if (!/^([0-9a-f-]{36})?$/i.test(uuid)) throw refuse(`"${uuid}" is no UUID`);
  return { size, type, uuid };
}

/** `16MiB`, `1.5g`, `4096`: powers of 1024, as Docker's units have it. Undefined for what is none. */
export function parseSize(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(text) ?? [];
  if (number === undefined) return undefined;
  const power = unit === '' ? 0 : 'kmgtp'.indexOf(unit.toLowerCase()) + 1;
  return Math.floor(Number(number) * 1024 ** power);
}

async function make(place: string, { size, type, uuid }: Wish): Promise<void> {
  const temporary = `${place}.${newToken(6)}.new`;
  const file = await findProgram(`mkfs.${type}`);
  const named = type === 'xfs' ? ['-m', `uuid=${uuid}`] : ['-U', uuid];
  try {
    {
      await using created = await open(temporary, 'wx', 0o640);
      await created.truncate(size);
    }
    const args = ['-q', ...(uuid === '' ? [] : named), temporary];
    const { code, stdout, stderr } = await run({ file, args, env: process.env, timeoutMs, maxOutput });
    if (code !== 0)
      throw new EngineError('unknown', `Cannot make a file system at "${place}": ${whatWasSaid(stdout, stderr)}`);
    await rename(temporary, place);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function findProgram(name: string): Promise<string> {
  const places = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'].filter(isAbsolute);
  for (const place of places) if (await isThere(join(place, name))) return join(place, name);
  throw new EngineError('failed-precondition', `Cannot make a file system: there is no "${name}" in PATH; install it`);
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

const whatWasSaid = (...outputs: readonly Buffer[]): string => Buffer.concat(outputs).toString('utf8').trim();
