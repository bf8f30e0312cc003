import { createHash } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '#/base/atomic-file.ts';
import { EngineError, errnoOf } from '#/base/errors.ts';
import type { Step } from '#/cli/install/install-plan.ts';

/**
 * What an installation has put, or is about to put, on this machine. It is written before the first of these things is
 * there, and removed after the last is gone: whoever comes after a crash knows what may be ours.
 */
export interface Manifest {
  readonly version: 1;
  readonly things: readonly Thing[];
  /** Directories that were made for them, outermost first. */
  readonly directories: readonly string[];
  readonly sockets: readonly string[];
  readonly unitDirectory: string;
}

export type Thing =
  | { readonly kind: 'file'; readonly path: string; readonly sha256: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

const place = '/etc/berth/installed.json';

export const manifestPath = (prefix: string): string => join(prefix, place);

export const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

export const thingOf = (step: Step): Thing =>
  step.kind === 'file' ? { kind: 'file', path: step.path, sha256: sha256(step.content) } : step;

/** Undefined where nothing is installed. */
export async function findManifest(prefix: string): Promise<Manifest | undefined> {
  const path = manifestPath(prefix);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const found = JSON.parse(text) as Manifest;
    if (found.version === 1 && Array.isArray(found.things) && Array.isArray(found.directories)) return found;
  } catch {
    // told below
  }
  throw new EngineError('failed-precondition', `Cannot read "${path}": it is not as berth wrote it`);
}

export async function writeManifest(prefix: string, manifest: Manifest): Promise<void> {
  const path = manifestPath(prefix);
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await writeFileAtomic(path, `${JSON.stringify(manifest, null, 2)}\n`);
}

export async function removeManifest(prefix: string): Promise<void> {
  await rm(manifestPath(prefix), { force: true });
}
