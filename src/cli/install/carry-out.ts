import { mkdir, open, rename, rm, rmdir, stat, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncDirectory } from '#/base/atomic-file.ts';
import { errnoOf } from '#/base/errors.ts';
import type { InstallPlan, Step } from '#/cli/install/install-plan.ts';
import { isSame, lookAt, stateOf } from '#/cli/install/look-at-places.ts';
import { removeManifest, thingOf, writeManifest, type Manifest, type Thing } from '#/cli/install/manifest.ts';

export interface Report {
  (text: string): void;
}

/**
 * Puts everything in its place. The manifest of what was there and what will be is written first, so that a crash
 * anywhere leaves nothing that a second install would not finish, or an uninstall not find.
 */
export async function carryOut(
  prefix: string,
  { plan, unitDirectory, before }: { plan: InstallPlan; unitDirectory: string; before: Manifest | undefined },
  report: Report,
): Promise<void> {
  const things = plan.steps.map(thingOf);
  const obsolete = (before?.things ?? []).filter((old) => !things.some((thing) => thing.path === old.path));
  const directories = unique([...(before?.directories ?? []), ...(await missingDirectories(prefix, plan.steps))]);
  const after: Manifest = { version: 1, things, directories, sockets: plan.sockets, unitDirectory };
  await writeManifest(prefix, {
    ...after,
    things: [...things, ...(before?.things ?? [])],
    sockets: unique([...plan.sockets, ...(before?.sockets ?? [])]),
  });
  for (const step of plan.steps) await put(prefix, step, before, report);
  for (const thing of obsolete) await takeAway(prefix, thing, report);
  await writeManifest(prefix, after);
}

/** Removes what the manifest lists, as far as it is still what was put there. Directories go when they are empty. */
export async function undo(prefix: string, { things, directories }: Manifest, report: Report): Promise<void> {
  for (const thing of things.toReversed()) await takeAway(prefix, thing, report);
  await removeManifest(prefix);
  for (const directory of directories.toReversed()) await removeIfEmpty(join(prefix, directory));
}

async function put(prefix: string, step: Step, before: Manifest | undefined, report: Report): Promise<void> {
  if ((await stateOf(prefix, step, before)) === 'done') return;
  const place = join(prefix, step.path);
  await mkdir(dirname(place), { recursive: true, mode: 0o755 });
  const temporary = temporaryOf(place);
  await rm(temporary, { force: true });
  if (step.kind === 'file') await writeWhole(temporary, step.content);
  else await symlink(step.target, temporary);
  await rename(temporary, place);
  await syncDirectory(dirname(place));
  report(`${step.kind === 'file' ? 'wrote' : 'linked'} ${place}`);
}

/** Known beforehand, so that what a crash leaves of it can be found. */
const temporaryOf = (place: string): string => `${place}.berth-new`;

async function writeWhole(path: string, content: string): Promise<void> {
  await using file = await open(path, 'wx', 0o644);
  await file.writeFile(content);
  await file.datasync();
}

async function takeAway(prefix: string, thing: Thing, report: Report): Promise<void> {
  await rm(temporaryOf(join(prefix, thing.path)), { force: true });
  const found = await lookAt(prefix, thing.path);
  if (found === undefined) return;
  if (!isSame(found, thing))
    return report(`left ${join(prefix, thing.path)}: it has been changed since berth put it there`);
  await rm(join(prefix, thing.path));
  report(`removed ${join(prefix, thing.path)}`);
}

async function missingDirectories(prefix: string, steps: readonly Step[]): Promise<string[]> {
  const missing: string[] = [];
  for (const path of unique(['/etc/berth', ...steps.map((step) => dirname(step.path))]))
    for (let directory = path; directory !== '/'; directory = dirname(directory))
      if (!(await exists(join(prefix, directory)))) missing.push(directory);
  return unique(missing).sort();
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

async function removeIfEmpty(path: string): Promise<void> {
  try {
    await rmdir(path);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY'].includes(errnoOf(error) ?? '')) throw error;
  }
}

const unique = (paths: readonly string[]): string[] => [...new Set(paths)];
