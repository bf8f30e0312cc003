import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '#/base/errors.ts';
import type { Bundle } from '#/core/tasks/bundle.ts';
import type { ShimEndpoint } from '#/core/tasks/shim-answer.ts';
import { parseEndpoint, parseShimAnswer } from '#/core/tasks/shim-answer.ts';

/**
 * Writes where the shim listens, so that the next daemon finds it. The bundle does not outlive the machine's run, so it
 * is enough that the file is whole.
 */
export async function writeEndpoint(bundle: Bundle, { version, address, protocol }: ShimEndpoint): Promise<void> {
  const path = join(bundle.path, 'bootstrap.json');
  await writeFile(`${path}.new`, JSON.stringify({ version, address, protocol }), { mode: 0o644 });
  await rename(`${path}.new`, path);
}

/** Where the shim of a bundle listens, from our file or the one that older shims write; undefined when it never did. */
export async function findEndpoint(directory: string): Promise<ShimEndpoint | undefined> {
  const written = await findFile(join(directory, 'bootstrap.json'));
  if (written !== undefined) return parseEndpoint(written.toString('utf8'));
  const address = await findFile(join(directory, 'address'));
  return address === undefined || address.length === 0 ? undefined : parseShimAnswer(address);
}

export async function findShimPath(directory: string): Promise<string | undefined> {
  const text = await findFile(join(directory, 'shim-binary-path'));
  return text === undefined || text.length === 0 ? undefined : text.toString('utf8');
}

/** Notes that a bundle's task runs in the shim of a sandbox, which does not end with the task. */
export async function writeSandbox(bundle: Bundle, sandbox: string): Promise<void> {
  await writeFile(join(bundle.path, 'sandbox'), sandbox, { mode: 0o600 });
}

export async function isInSandbox(directory: string): Promise<boolean> {
  return (await findFile(join(directory, 'sandbox'))) !== undefined;
}

async function findFile(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Removes the socket of a shim that is gone. */
export async function removeSocket({ address }: ShimEndpoint): Promise<void> {
  await rm(address.replace(/^unix:\/\//, ''), { force: true });
}
