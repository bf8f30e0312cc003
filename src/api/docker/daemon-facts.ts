import type { Credentials } from '#/core/registry/contract.ts';

/** What `version` and `info` tell that no single part of the core knows. */
export interface DaemonFacts {
  readonly version: string;
  readonly revision: string;
  /** Stable over restarts. */
  readonly id: string;
  readonly root: string;
  readonly socket: string;
  readonly startedAt: bigint;
  readonly cgroupVersion: 'v1' | 'hybrid' | 'v2';
  /** Who makes the cgroups of containers that name no runtime. */
  readonly cgroupDriver: 'cgroupfs' | 'systemd';
  readonly logLevel: string;
  readonly runtimePath: string;
  /** Names that containers may ask for. */
  readonly runtimes: readonly string[];
  defaultRuntime(): string;
  readonly runtimeVersion: string;
  /** Registries whose certificates do not count, and the mirrors of Docker Hub. */
  readonly registries: { readonly insecure: readonly string[]; readonly hubMirrors: readonly string[] };
  checkLogin(host: string, credentials: Credentials, signal: AbortSignal): Promise<void>;
}
