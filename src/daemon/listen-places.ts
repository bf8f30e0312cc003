import type { InheritedSocket } from '#/linux/inherited-sockets.ts';
import type { UnixAddress } from '#/rpc/unix-listener.ts';
import type { DaemonConfig } from '#/daemon/config/daemon-config.ts';

/** Where each face listens; the first of each is the one that shims and clients are told. */
export interface ListenPlaces {
  readonly grpc: readonly UnixAddress[];
  readonly ttrpc: readonly UnixAddress[];
  readonly docker: readonly UnixAddress[];
  readonly debug: readonly UnixAddress[];
  /** Sockets that the service manager opened and that the configuration does not name. */
  readonly unused: readonly InheritedSocket[];
}

/** A socket that the service manager has opened already at a path that is wanted is used as it is. */
export function placeListeners(config: DaemonConfig, inherited: readonly InheritedSocket[]): ListenPlaces {
  const { plugins, berth } = config.settings;
  const grpc = plugins['io.containerd.server.v1.grpc'];
  const ttrpc = plugins['io.containerd.server.v1.ttrpc'];
  const debug = plugins['io.containerd.server.v1.debug'];
  const used = new Set<InheritedSocket>();
  const place = (path: string, { uid, gid }: Owner): UnixAddress => {
    const open = inherited.find((socket) => socket.path !== undefined && samePath(socket.path, path));
    if (open === undefined) return { path, uid, gid };
    used.add(open);
    return { path, fd: open.fd };
  };
  const places = {
    grpc: unique([config.address, ...berth.listen.grpc]).map((path) => place(path, grpc)),
    ttrpc: unique([config.ttrpcAddress, ...berth.listen.grpc.map((path) => `${path}.ttrpc`)]).map((path) =>
      place(path, ttrpc),
    ),
    docker: unique([config.dockerAddress, ...berth.listen.docker]).map((path) => place(path, grpc)),
    debug: debug.address === '' ? [] : [place(debug.address, debug)],
  };
  return { ...places, unused: inherited.filter((socket) => !used.has(socket)) };
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** /var/run is another name of /run wherever there is systemd. */
const samePath = (left: string, right: string): boolean => shortPath(left) === shortPath(right);
const shortPath = (path: string): string => path.replace(/^\/var\/run\//, '/run/');

const unique = (paths: readonly string[]): string[] => [
  ...new Map(paths.map((path) => [shortPath(path), path])).values(),
];
