import type { ViewShape } from '#/cli/progress/progress-view.ts';
import { isTerminal } from '#/cli/terminal/terminal.ts';

/** How to draw on standard output (1) or error (2); undefined where that is no terminal, or a dumb one. */
export function terminalShape(
  fd: 1 | 2,
  env: Readonly<Record<string, string | undefined>>,
): () => ViewShape | undefined {
  if (!isTerminal(fd) || env['TERM'] === 'dumb') return () => undefined;
  const stream = fd === 1 ? process.stdout : process.stderr;
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  const unicode = /utf-?8/i.test(locale);
  const colour = (env['NO_COLOR'] ?? '') === '';
  return () => ({ columns: stream.columns || 80, rows: stream.rows || 24, unicode, colour });
}
