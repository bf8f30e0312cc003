/** The `hello` image in each of the daemons that a row compares. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeHelloArchive } from '../support/hello-image.ts';
import { mustRun } from '../support/run-command.ts';
import type { Berth } from './berth.ts';
import { dockerEnvironment, programs, type Containerd, type Dockerd } from './peers.ts';
import type { Place } from './place.ts';

/** The image's name where names are whole. */
export const helloImage = 'docker.io/library/hello:latest';

export interface Daemons {
  readonly berth?: Berth | undefined;
  readonly containerd?: Containerd | undefined;
  readonly dockerd?: Dockerd | undefined;
}

export async function loadHello(place: Place, { berth, containerd, dockerd }: Daemons): Promise<void> {
  const archive = join(place.path, 'hello.tar');
  await writeFile(archive, await makeHelloArchive());
  await berth?.berth('load', '-i', archive);
  await containerd?.ctr('image', 'import', archive);
  if (dockerd !== undefined)
    await mustRun(programs.docker, ['load', '-i', archive], { env: dockerEnvironment(dockerd.socketPath, place) });
}
