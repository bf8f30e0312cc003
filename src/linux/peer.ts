import type { Socket } from 'node:net';
import { EngineError } from '#/base/errors.ts';
import { addon } from '#/linux/addon.ts';
import { checkCall } from '#/linux/errno-error.ts';

/** The process that connected to a unix socket, as the kernel noted it then. */
export interface Peer {
  /** 0 when it is not in this pid namespace. */
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Who is at the other end of a connected unix socket. */
export function peerOf(socket: Socket): Peer {
  const handle: unknown = Reflect.get(socket, '_handle');
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined;
  if (typeof fd !== 'number' || fd < 0)
    throw new EngineError('failed-precondition', 'Cannot tell the peer of a socket: it is not connected');
  return peerOfDescriptor(fd);
}

export function peerOfDescriptor(fd: number): Peer {
  const identity = new Uint32Array(3);
  checkCall(addon().peerCredentials(fd, identity), 'getsockopt');
  const [pid = 0, uid = 0, gid = 0] = identity;
  return { pid, uid, gid };
}
