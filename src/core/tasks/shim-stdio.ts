import type { Stdio } from '#/core/tasks/contract.ts';
import type { LogOptions, WantedStreams } from '#/core/tasks/stdio.ts';

const scheme = 'berth://';

/**
 * The streams of a process under our own shim, which holds them itself: one URI, the same for each stream that is wanted,
 * names the socket at which clients attach, and the log.
 */
export function shimStdio(wanted: WantedStreams, socketPath: string): Stdio {
  const { terminal, openStdin, stderr, stdinOnce, logPath, logOptions } = wanted;
  const query = [
    ...(logPath === undefined ? [] : logQuery(logPath, logOptions)),
    ...(stdinOnce ? ['stdin-once=1'] : []),
  ];
  const uri = `${scheme}${encodePath(socketPath)}${query.length === 0 ? '' : `?${query.join('&')}`}`;
  return { terminal, stdin: openStdin ? uri : '', stdout: uri, stderr: stderr && !terminal ? uri : '' };
}

function logQuery(path: string, { maxSize = 0, maxFiles = 1, maxBuffer }: LogOptions = {}): string[] {
  return [
    `log=${encodePath(path)}`,
    'format=json-file',
    ...(maxSize === 0 ? [] : [`max-size=${maxSize}`, `max-file=${maxFiles}`]),
    ...(maxBuffer === undefined ? [] : ['mode=non-blocking', `max-buffer-size=${maxBuffer}`]),
  ];
}

const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

/** Whether a shim of ours holds these streams, and their input with them. */
export const isHeldByShim = ({ stdin, stdout }: Stdio): boolean =>
  stdout.startsWith(scheme) || stdin.startsWith(scheme);
