import { lstat, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError, errnoOf } from '#/base/errors.ts';
import { dialUnix } from '#/client/http/dial.ts';
import { thingOf, sha256, type Manifest, type Thing } from '#/cli/install/manifest.ts';
import type { InstallPlan, Step } from '#/cli/install/install-plan.ts';

/** How a place is: nothing there, what we want, what an earlier installation of ours put there, or somebody else's. */
export type PlaceState = 'free' | 'done' | 'ours' | 'foreign';

export async function stateOf(prefix: string, step: Step, manifest: Manifest | undefined): Promise<PlaceState> {
  const wanted = thingOf(step);
  const found = await lookAt(prefix, step.path);
  if (found === undefined) return 'free';
  if (isSame(found, wanted)) return 'done';
  return manifest?.things.some((thing) => isSame(found, thing)) === true ? 'ours' : 'foreign';
}

/** What is at a place, as far as it can be ours: a file or a link. Anything else is `foreign`. */
export async function lookAt(prefix: string, path: string): Promise<Thing | 'foreign' | undefined> {
  const place = join(prefix, path);
  try {
    const found = await lstat(place);
    if (found.isSymbolicLink()) return { kind: 'link', path, target: await readlink(place) };
    if (found.isFile()) return { kind: 'file', path, sha256: sha256(await readFile(place)) };
    return 'foreign';
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export function isSame(found: Thing | 'foreign', wanted: Thing): boolean {
  if (found === 'foreign' || found.kind !== wanted.kind || found.path !== wanted.path) return false;
  if (found.kind === 'file') return wanted.kind === 'file' && found.sha256 === wanted.sha256;
  return wanted.kind === 'link' && found.target === wanted.target;
}

/** Every reason why this plan would take something from somebody; empty when it takes nothing. */
export async function findObstacles(
  prefix: string,
  { steps, sockets, rivals }: InstallPlan,
  manifest: Manifest | undefined,
): Promise<string[]> {
  const obstacles: string[] = [];
  for (const step of steps)
    if ((await stateOf(prefix, step, manifest)) === 'foreign')
      obstacles.push(`"${step.path}" is there and is not of berth's making; move it away`);
  for (const path of sockets)
    if (manifest?.sockets.includes(path) !== true && (await answers(join(prefix, path))))
      obstacles.push(`somebody listens on "${path}"; stop that program first`);
  for (const unit of rivals)
    if (await isEnabled(prefix, unit))
      obstacles.push(`"${unit}" is enabled and would take its socket back; run "systemctl disable --now ${unit}"`);
  return obstacles;
}

async function answers(path: string): Promise<boolean> {
  try {
    (await dialUnix(path)).destroy();
    return true;
  } catch (error) {
    if (error instanceof EngineError) return false;
    throw error;
  }
}

/** `systemctl enable` makes such a link; nothing needs to run to see it. */
async function isEnabled(prefix: string, unit: string): Promise<boolean> {
  const wants = ['multi-user.target.wants', 'sockets.target.wants'];
  const links = await Promise.all(wants.map((target) => lookAt(prefix, `/etc/systemd/system/${target}/${unit}`)));
  return links.some((link) => link !== undefined);
}
