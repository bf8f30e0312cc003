import { join } from 'node:path';
import type { LogLevel } from '#/base/log.ts';
import type { ProxyPlugin } from '#/daemon/proxy-plugins.ts';
import type { SnapshotterSettings } from '#/core/snapshots/snapshotters.ts';

/** What berthd needs to know before it starts. */
export interface DaemonConfig {
  /** Persistent files. */
  readonly root: string;
  /** Sockets, bundles and mounts: gone after a reboot. */
  readonly state: string;
  /** The gRPC socket; the one for shims has `.ttrpc` behind it. */
  readonly address: string;
  readonly dockerAddress: string;
  /** Group that may use the sockets. */
  readonly gid: number;
  readonly logLevel: LogLevel;
  readonly logFormat: 'text' | 'json';
  /** For people's containers. */
  readonly snapshotter: string;
  readonly runtime: string;
  readonly snapshotters: SnapshotterSettings;
  /** Parts that other processes do. */
  readonly proxyPlugins: readonly ProxyPlugin[];
}

export const defaultRoot = '/var/lib/berth';
export const defaultState = '/run/berth';
export const defaultConfigPath = '/etc/berth/config.toml';

/** Sockets lie in the state directory unless they are put elsewhere, so that daemons run side by side. */
export function completeConfig(given: Partial<DaemonConfig>): DaemonConfig {
  const state = given.state ?? defaultState;
  return {
    root: given.root ?? defaultRoot,
    state,
    address: given.address ?? join(state, 'berth.sock'),
    dockerAddress: given.dockerAddress ?? join(state, 'docker.sock'),
    gid: given.gid ?? 0,
    logLevel: given.logLevel ?? 'info',
    logFormat: given.logFormat ?? 'text',
    snapshotter: given.snapshotter ?? 'overlayfs',
    runtime: given.runtime ?? 'io.containerd.runc.v2',
    snapshotters: given.snapshotters ?? {},
    proxyPlugins: given.proxyPlugins ?? [],
  };
}
