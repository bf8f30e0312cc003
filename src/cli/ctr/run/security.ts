import type { ContainerFlags } from '#/cli/ctr/run/container-flags.ts';
import { UsageError } from '#/cli/usage-error.ts';
import { allCapabilities, defaultCapabilities } from '#/oci/capabilities.ts';
import { defaultSeccomp } from '#/oci/default-seccomp.ts';
import type { SpecSeccomp } from '#/oci/runtime-spec.ts';

/** What this machine has, as it was found. */
export interface HostSecurity {
  /** Of our own process: a privileged container gets these. */
  readonly capabilities: readonly string[];
  /** Go's name. */
  readonly architecture: string;
  /** The profile of `--seccomp-profile`, read. */
  readonly seccompProfile: SpecSeccomp | undefined;
  readonly apparmorProfiles: readonly string[];
}

export interface Security {
  readonly capabilities: readonly string[];
  readonly apparmor: string | undefined;
  readonly seccomp: SpecSeccomp | undefined;
}

/** Throws UsageError for capabilities and profiles that there are not. */
export function securityOf(flags: ContainerFlags, host: HostSecurity): Security {
  const start = flags.privileged ? host.capabilities : defaultCapabilities;
  const added = flags['cap-add'].map(checkCapability);
  const dropped = new Set(flags['cap-drop'].map(checkCapability));
  const capabilities = [...new Set([...start, ...added])].filter((name) => !dropped.has(name));
  return {
    capabilities,
    apparmor: flags['apparmor-profile'] ?? loadedProfile(flags, host),
    seccomp: flags.seccomp ? (host.seccompProfile ?? defaultSeccomp(host.architecture, capabilities)) : undefined,
  };
}

/** People leave "CAP_" out, so it is put in; what is no capability is refused. */
function checkCapability(word: string): string {
  const upper = word.toUpperCase();
  const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  if (allCapabilities.includes(name)) return name;
  throw new UsageError(`${JSON.stringify(word)} is no capability: expected one such as CAP_NET_ADMIN`, 1);
}

function loadedProfile(flags: ContainerFlags, { apparmorProfiles }: HostSecurity): string | undefined {
  const name = flags['apparmor-default-profile'];
  if (name === undefined || apparmorProfiles.includes(name)) return name;
  throw new UsageError(
    `"--apparmor-default-profile" names "${name}", which is not loaded here, and berth ctr loads none: load it with apparmor_parser, or leave the flag out`,
    1,
  );
}
