import { join } from 'node:path';
import { EngineError } from '#/base/errors.ts';
import type { LogLevel } from '#/base/log.ts';
import { readSettings } from '#/daemon/config/read-settings.ts';
import type { Settings } from '#/daemon/config/schema-tree.ts';

/** What berthd needs to know before it starts. */
export interface DaemonConfig {
  /** Persistent files. */
  readonly root: string;
  /** Sockets, bundles and mounts: gone after a reboot. */
  readonly state: string;
  /** The gRPC socket. */
  readonly address: string;
  /** The one for shims. */
  readonly ttrpcAddress: string;
  readonly dockerAddress: string;
  /** Group that may use the sockets. */
  readonly gid: number;
  readonly logLevel: LogLevel;
  readonly logFormat: 'text' | 'json';
  /** For people's containers. */
  readonly snapshotter: string;
  readonly runtime: string;
  /** All that the configuration says, under containerd's names. */
  readonly settings: Settings;
}

/** What the command line says; it wins. */
export interface ConfigFlags {
  readonly root?: string;
  readonly state?: string;
  readonly address?: string;
  readonly dockerAddress?: string;
  readonly logLevel?: LogLevel;
}

export const defaultRoot = '/var/lib/berth';
export const defaultState = '/run/berth';
export const defaultConfigPath = '/etc/berth/config.toml';
export const defaultDropIns = '/etc/berth/conf.d/*.toml';

/** Sockets lie in the state directory unless they are put elsewhere, so that daemons run side by side. */
export function completeConfig(settings: Settings, flags: ConfigFlags = {}): DaemonConfig {
  const { plugins, berth, debug } = settings;
  checkSnapshotter(settings);
  const grpc = plugins['io.containerd.server.v1.grpc'];
  const state = flags.state ?? (settings.state || defaultState);
  const address = flags.address ?? (grpc.address || join(state, 'berth.sock'));
  const shims = flags.address === undefined ? plugins['io.containerd.server.v1.ttrpc'].address : '';
  return {
    root: flags.root ?? (settings.root || defaultRoot),
    state,
    address,
    ttrpcAddress: shims || `${address}.ttrpc`,
    dockerAddress: flags.dockerAddress ?? (berth.docker_address || join(state, 'docker.sock')),
    gid: grpc.gid,
    logLevel: flags.logLevel ?? debug.level,
    logFormat: debug.format,
    snapshotter: berth.snapshotter,
    runtime: berth.runtime,
    settings,
  };
}

function checkSnapshotter({ berth, disabled_plugins: disabled }: Settings): void {
  if (disabled.includes(`io.containerd.snapshotter.v1.${berth.snapshotter}`))
    throw new EngineError(
      'invalid-argument',
      `Cannot use disabled_plugins of the configuration: berth.snapshotter is "${berth.snapshotter}", which it leaves out`,
    );
}

/** A daemon's configuration when nobody says anything. */
export const defaultConfig = (flags: ConfigFlags = {}): DaemonConfig =>
  completeConfig(readSettings({}).settings, flags);
