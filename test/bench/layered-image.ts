/** An image of many small layers, as an archive and on a registry. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { archiveOf, directory } from '#/core/layers/archive-fixture.ts';
import { dockerArchive } from '../support/layered-image.ts';
import { mustRun } from '../support/run-command.ts';
import type { Place } from './place.ts';
import { programs } from './peers.ts';

const layerCount = 60;
const filesPerLayer = 20;
const bytesPerFile = 10_000;

export const layeredImage: string = `${layerCount} layers of ${filesPerLayer} files`;

export async function makeLayeredArchive({ path }: Place): Promise<string> {
  const layers = Array.from({ length: layerCount }, (_, layer) =>
    archiveOf(
      directory(`l${layer}`),
      ...Array.from({ length: filesPerLayer }, (_file, file) => ({
        name: `l${layer}/f${file}`,
        content: randomBytes(bytesPerFile / 2).toString('hex'),
      })),
    ),
  );
  const archive = join(path, 'layered.tar');
  await writeFile(archive, dockerArchive('docker.io/library/layered:1', { layers }));
  return archive;
}

/** Compressed on the way, as people's images are. Answers the image's name. */
export async function pushArchive(archive: string, name: string): Promise<string> {
  const args = ['copy', '-q', '--insecure-policy', '--dest-tls-verify=false', '--dest-compress-format', 'gzip'];
  await mustRun(programs.skopeo, [...args, `docker-archive:${archive}`, `docker://${name}`], { timeoutMs: 600_000 });
  return name;
}
