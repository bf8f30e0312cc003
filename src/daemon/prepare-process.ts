import { mkdir, writeFile } from 'node:fs/promises';
import { errnoOf, messageOf } from '#/base/errors.ts';
import type { Logger } from '#/base/log.ts';
import { joinCgroup } from '#/linux/join-cgroup.ts';
import type { Settings } from '#/daemon/config/schema-tree.ts';

/** What the configuration wants of the process itself. Children get all of it; what is not permitted is warned of. */
export async function prepareProcess({ oom_score: score, temp, cgroup }: Settings, logger: Logger): Promise<void> {
  if (score !== 0) await adjustOomScore(score, logger);
  if (cgroup.path !== '')
    await joinCgroup(cgroup.path).catch((error: unknown) =>
      logger.warn('cannot enter the cgroup that the configuration names', {
        cgroup: cgroup.path,
        error: messageOf(error),
      }),
    );
  if (temp === '') return;
  await mkdir(temp, { recursive: true, mode: 0o700 });
  process.env['TMPDIR'] = temp;
}

async function adjustOomScore(score: number, logger: Logger): Promise<void> {
  try {
    await writeFile('/proc/self/oom_score_adj', String(score));
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) throw error;
    logger.warn('cannot lower the OOM score: that takes CAP_SYS_RESOURCE; it stays as it was', { oom_score: score });
  }
}
