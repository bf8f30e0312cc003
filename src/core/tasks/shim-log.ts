import { join } from 'node:path';
import { errnoOf } from '#/base/errors.ts';
import type { Logger } from '#/base/log.ts';
import type { Bundle } from '#/core/tasks/bundle.ts';
import { taskName } from '#/core/tasks/context.ts';
import { openFifo } from '#/linux/fifo.ts';
import { mkfifo } from '#/linux/mknod.ts';

const longestLine = 16 * 1024;

/**
 * Copies what the shim logs, line by line. The FIFO is made where it is missing, and held open on both sides, so that a
 * shim neither waits for us nor fails when we are away.
 */
export async function openShimLog(bundle: Bundle, logger: Logger): Promise<Disposable> {
  const path = join(bundle.path, 'log');
  await mkfifo(path, 0o700).catch((error: unknown) => {
    if (errnoOf(error) !== 'EEXIST') throw error;
  });
  const stream = await openFifo(path, 'both');
  const lines = logger.with({ task: taskName(bundle.key) });
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    if (rest.length > longestLine) parts.push(rest.slice(0, longestLine));
    if (rest.length > longestLine) rest = '';
    for (const line of parts) if (line !== '') lines.debug('shim says', { line: line.slice(0, longestLine) });
  });
  stream.on('error', (error) => lines.warn('cannot read the log of a shim any more', { error: error.message }));
  return { [Symbol.dispose]: () => stream.destroy() };
}
