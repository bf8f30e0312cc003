import type { ContainerFlags, RunFlags } from '#/cli/ctr/run/container-flags.ts';
import { parseBytes, parseCpus } from '#/cli/quantities.ts';
import type { SpecResources } from '#/oci/runtime-spec.ts';

const usualPeriod = 100_000;
const usualShares = 1024;

/** CPU limits in the runtime's words; undefined when there are none. Throws UsageError. */
export function cpuOf(flags: ContainerFlags & RunFlags): SpecResources['cpu'] {
  const { cpus, 'cpu-quota': quota, 'cpu-period': period, 'cpu-burst': burst, 'cpu-shares': shares } = flags;
  const cpu = {
    ...((shares ?? usualShares) > 0 ? { shares: shares ?? usualShares } : {}),
    ...(cpus === undefined ? {} : { quota: Math.floor(parseCpus('--cpus', cpus) / 10_000), period: usualPeriod }),
    ...(quota === undefined && period === undefined ? {} : { quota: quota ?? -1, period: period ?? 0 }),
    ...(burst === undefined ? {} : { burst }),
    ...(flags['cpuset-cpus'] === undefined ? {} : { cpus: flags['cpuset-cpus'] }),
    ...(flags['cpuset-mems'] === undefined ? {} : { mems: flags['cpuset-mems'] }),
  };
  return Object.keys(cpu).length === 0 ? undefined : cpu;
}

export function memoryOf({ 'memory-limit': limit }: ContainerFlags): SpecResources['memory'] {
  const bytes = limit === undefined ? 0 : parseBytes('--memory-limit', limit);
  return bytes === 0 ? undefined : { limit: bytes };
}
