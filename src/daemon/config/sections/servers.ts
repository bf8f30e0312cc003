import { path, whole, flag, text } from '#/daemon/config/parsers.ts';
import { branch, leaf, refused, type Leaf, type Nothing, type SectionsOf } from '#/daemon/config/schema.ts';

const user: Leaf<number> = leaf(whole, 0, 'User that owns the socket.');
const group: Leaf<number> = leaf(whole, 0, 'Group that may use the socket.');
const largest = 16 << 20;
const noTcp =
  'berth listens on unix sockets alone; a proxy with TLS and client certificates in front of one can do the rest';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface ServerSettings {
  readonly 'io.containerd.server.v1.grpc': Owner & {
    readonly address: string;
    readonly max_recv_message_size: number;
    readonly max_send_message_size: number;
  };
  readonly 'io.containerd.server.v1.ttrpc': Owner & { readonly address: string };
  readonly 'io.containerd.server.v1.debug': Owner & { readonly address: string };
  readonly 'io.containerd.server.v1.metrics': { readonly address: string };
  readonly 'io.containerd.metrics.v1.grpc-prometheus': { readonly grpc_histogram: boolean };
}

/** Where berthd listens: version 4 has a plugin for each. */
export const serverSections: SectionsOf<ServerSettings> = {
  'io.containerd.server.v1.grpc': branch('All gRPC services.', {
    address: leaf(path, '', 'Unix socket; "" is STATE/berth.sock.'),
    uid: user,
    gid: group,
    max_recv_message_size: leaf(whole, largest, 'Bytes of the largest message taken.'),
    max_send_message_size: leaf(whole, largest, 'Bytes of the largest message sent.'),
  }),
  'io.containerd.server.v1.grpc-tcp': branch<Nothing>('', {
    address: refused('', noTcp),
    tls_ca: refused('', noTcp),
    tls_cert: refused('', noTcp),
    tls_key: refused('', noTcp),
    tls_common_name: refused('', noTcp),
    max_recv_message_size: refused(largest, noTcp),
    max_send_message_size: refused(largest, noTcp),
  }),
  'io.containerd.server.v1.ttrpc': branch('Events of shims.', {
    address: leaf(path, '', 'Unix socket; "" is the gRPC socket\'s path with ".ttrpc" behind it.'),
    uid: user,
    gid: group,
  }),
  'io.containerd.server.v1.debug': branch('What goes on inside: /debug/vars, /debug/pprof/… over HTTP.', {
    address: leaf(path, '', 'Unix socket; "" is none.'),
    uid: user,
    gid: group,
  }),
  'io.containerd.server.v1.metrics': branch('Prometheus metrics: /v1/metrics over HTTP.', {
    address: leaf(text, '', 'HOST:PORT on which anybody may read them; "" is none.'),
  }),
  'io.containerd.metrics.v1.grpc-prometheus': branch('', {
    grpc_histogram: leaf(flag, false, 'Measure how long gRPC calls take.'),
  }),
};
