import type { DaemonFacts } from '#/api/docker/daemon-facts.ts';
import { now } from '#/base/clock.ts';
import { revision, version } from '#/base/version.ts';
import type { Registry } from '#/core/registry/contract.ts';
import { usesSystemdCgroup } from '#/core/tasks/systemd-cgroup.ts';
import type { DaemonConfig } from '#/daemon/config/daemon-config.ts';
import { namedRegistries, runtimesOf } from '#/daemon/module-options.ts';
import { cgroupVersion } from '#/daemon/require-abilities.ts';
import type { PreferredRuntime } from '#/daemon/preferred-runtime.ts';
import { defaultRuntime } from '#/oci/runtime-names.ts';
import type { RuntimeFacts } from '#/daemon/runtime-facts.ts';
import type { Abilities } from '#/linux/abilities.ts';

export interface FactSources {
  readonly config: DaemonConfig;
  readonly abilities: Abilities;
  readonly runtime: RuntimeFacts;
  readonly id: string;
  readonly registry: Registry;
  /** OCI runtimes that are installed. */
  readonly programs: readonly string[];
  readonly preferred: PreferredRuntime;
}

/** What Docker's clients are told of this daemon. */
export function daemonFacts({
  config,
  abilities,
  runtime,
  id,
  registry,
  programs,
  preferred,
}: FactSources): DaemonFacts {
  const runtimes = runtimesOf(config.settings, programs);
  return {
    version,
    revision,
    id,
    root: config.root,
    socket: config.dockerAddress,
    startedAt: now(),
    cgroupVersion: cgroupVersion(abilities),
    cgroupDriver: usesSystemdCgroup(runtimes.get(config.runtime)?.options) ? 'systemd' : 'cgroupfs',
    logLevel: config.logLevel,
    runtimePath: runtime.path,
    runtimes: [...new Set([config.runtime, ...runtimes.keys()])],
    defaultRuntime: () => (config.runtime === defaultRuntime ? preferred.program() : config.runtime),
    runtimeVersion: runtime.version,
    registries: namedRegistries(config.settings),
    checkLogin: (host, credentials, signal) => registry.checkLogin(host, credentials, signal),
  };
}
