import { readFile } from 'node:fs/promises';
import { EngineError, messageOf } from '#/base/errors.ts';
import type { ContainerFlags, RunFlags } from '#/cli/ctr/run/container-flags.ts';
import type { HostSecurity } from '#/cli/ctr/run/security.ts';
import { listDevices } from '#/linux/host-devices.ts';
import { decodeCapabilityMask } from '#/oci/capabilities.ts';
import { hostPlatform } from '#/oci/platform.ts';
import type { SpecDevice, SpecSeccomp } from '#/oci/runtime-spec.ts';

/** What the flags ask of this machine: its capabilities, its profiles, the files they name. */
export async function lookAtHost(flags: ContainerFlags): Promise<HostSecurity> {
  const [status, profiles] = await Promise.all([
    readFile('/proc/self/status', 'utf8'),
    readFile('/sys/kernel/security/apparmor/profiles', 'utf8').catch(() => ''),
  ]);
  return {
    capabilities: decodeCapabilityMask(/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'),
    architecture: hostPlatform().architecture,
    seccompProfile: flags['seccomp-profile'] === undefined ? undefined : await readProfile(flags['seccomp-profile']),
    apparmorProfiles: profiles.split('\n').map((line) => line.replace(/ \([a-z]+\)$/, '')),
  };
}

/** In the form of the runtime spec. */
async function readProfile(path: string): Promise<SpecSeccomp> {
  try {
    const profile = JSON.parse(await readFile(path, 'utf8')) as SpecSeccomp;
    if (typeof profile.defaultAction !== 'string') throw new Error('it has no "defaultAction"');
    return profile;
  } catch (error) {
    throw new EngineError('invalid-argument', `Cannot use "${path}" as a seccomp profile: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Those of `--device`; a privileged container gets all of this machine. */
export async function devicesFor(flags: ContainerFlags & RunFlags): Promise<SpecDevice[]> {
  const all = flags.privileged && !flags['privileged-without-host-devices'];
  const lists = await Promise.all([...(all ? ['/dev'] : []), ...flags.device].map((path) => listDevices(path)));
  return lists.flat();
}
