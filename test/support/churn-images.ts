/** Images on a registry which share layers, so that what one loop removes is what another is about to use. */
import { randomBytes } from 'node:crypto';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { archiveOf } from '#/core/layers/archive-fixture.ts';
import { busyboxLayer, dockerArchive } from './layered-image.ts';
import { mustRun } from './run-command.ts';

const perLoop = 3;
const layerBytes = 1_500_000;

/** For each loop the names of its images. Images of one number share all layers, and all images share the lowest. */
export async function pushChurnImages(host: string, loops: number): Promise<string[][]> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'churn-'));
  const base = await busyboxLayer();
  const names = Array.from({ length: loops }, (_, loop) =>
    Array.from({ length: perLoop }, (_, number) => `${host}/loop${loop}/app:v${number}`),
  );
  for (let number = 0; number < perLoop; number++) {
    const layers = [base, ...['a', 'b'].map((name) => archiveOf({ name, content: randomBytes(layerBytes) }))];
    const archive = join(directory.path, `v${number}.tar`);
    await writeFile(archive, dockerArchive(`app:v${number}`, { layers }));
    for (const loop of names)
      await mustRun('skopeo', [
        'copy',
        '--insecure-policy',
        '--dest-tls-verify=false',
        `docker-archive:${archive}`,
        `docker://${loop[number] ?? ''}`,
      ]);
  }
  return names;
}
