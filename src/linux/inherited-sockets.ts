import { fstatSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** A listening unix socket that the service manager opened before it started this process. */
export interface InheritedSocket {
  readonly fd: number;
  /** As the manager calls it (`FileDescriptorName=`). */
  readonly name: string;
  /** Where it is bound; undefined for what is no unix socket with a path. */
  readonly path: string | undefined;
}

const firstDescriptor = 3;

/**
 * The sockets of sd_listen_fds(3), when they are meant for this process. Takes LISTEN_PID, LISTEN_FDS and
 * LISTEN_FDNAMES out of the environment, so that no child believes them its own.
 */
export async function takeInheritedSockets(
  environment: NodeJS.ProcessEnv = process.env,
  processId: number = process.pid,
): Promise<readonly InheritedSocket[]> {
  const { LISTEN_PID: pid, LISTEN_FDS: count, LISTEN_FDNAMES: listed = '' } = environment;
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete environment[name];
  if (Number(pid) !== processId || !/^\d{1,4}$/.test(count ?? '')) return [];
  const names = listed.split(':');
  const paths = parseUnixSockets(await readFile('/proc/self/net/unix', 'utf8'));
  return Array.from({ length: Number(count) }, (_, index) => {
    const fd = firstDescriptor + index;
    return { fd, name: names[index] ?? '', path: paths.get(String(fstatSync(fd, { bigint: true }).ino)) };
  });
}

/** Paths of /proc/net/unix by inode. */
export function parseUnixSockets(table: string): ReadonlyMap<string, string> {
  const lines = table.matchAll(/^[0-9a-f]+: \S+ \S+ \S+ \S+ \S+ +(\d+) (\/.*)$/gm);
  return new Map([...lines].map(([, inode = '', path = '']) => [inode, path]));
}
