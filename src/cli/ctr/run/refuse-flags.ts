import { UsageError } from '#/cli/usage-error.ts';
import type { ContainerFlags, RunFlags } from '#/cli/ctr/run/container-flags.ts';

type AllFlags = ContainerFlags & RunFlags;

/** Says by name what cannot be done here, before anything was done. Throws UsageError. */
export function refuseWhatIsNotThere(flags: AllFlags): void {
  const refusals: readonly (readonly [boolean, string])[] = [
    [
      flags.gpus.length > 0,
      '"--gpus" cannot be followed: berth finds no GPUs (it reads no CDI files); add them by --device',
    ],
    [
      flags.device.some((word) => /^[^/]+\/[^=]+=.+$/.test(word)),
      '"--device" takes paths: names of CDI devices are not known here',
    ],
    [
      flags['blockio-config-file'] !== undefined || flags['blockio-class'] !== undefined,
      '"--blockio-class" and "--blockio-config-file" cannot be followed: block I/O classes are not read here',
    ],
    [flags.cni && flags['net-host'], '"--cni" and "--net-host" cannot be given together'],
    [flags.rm && flags.detach, '"--rm" and "--detach" cannot be given together: use berth run for that'],
    [
      flags['privileged-without-host-devices'] && !flags.privileged,
      '"--privileged-without-host-devices" needs "--privileged"',
    ],
    [flags['seccomp-profile'] !== undefined && !flags.seccomp, '"--seccomp-profile" needs "--seccomp"'],
    [
      flags['apparmor-profile'] !== undefined && flags['apparmor-default-profile'] !== undefined,
      '"--apparmor-profile" and "--apparmor-default-profile" cannot be given together',
    ],
    [
      flags.cpus !== undefined && (flags['cpu-quota'] !== undefined || flags['cpu-period'] !== undefined),
      '"--cpus" cannot be given with "--cpu-quota" or "--cpu-period"',
    ],
    [flags.tty && flags['null-io'], '"--tty" and "--null-io" cannot be given together'],
    [flags.uidmap.length > 0 !== flags.gidmap.length > 0, '"--uidmap" and "--gidmap" belong together'],
    [
      flags.uidmap.length > 0 && flags.rootfs,
      '"--uidmap" cannot be followed with "--rootfs": the files of that directory keep their owners',
    ],
  ];
  for (const [refused, why] of refusals) if (refused) throw new UsageError(why, 1);
}
