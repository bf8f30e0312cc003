/** The runtime spec of a container that `run` or `containers create` was asked for. */
import { hostname } from 'node:os';
import { EngineError } from '#/base/errors.ts';
import { parseLabels } from '#/cli/ctr/ctr-text.ts';
import type { ContainerFlags, RunFlags } from '#/cli/ctr/run/container-flags.ts';
import { cpuOf, memoryOf } from '#/cli/ctr/run/resources.ts';
import { securityOf, type HostSecurity } from '#/cli/ctr/run/security.ts';
import {
  mergeVariables,
  readAnnotations,
  readIdMapping,
  readMount,
  readNamespace,
  readRlimit,
} from '#/cli/ctr/run/read-words.ts';
import { capabilitySets, defaultSpec, usualDeviceRules } from '#/oci/default-spec.ts';
import type { FoundUser } from '#/oci/find-user.ts';
import type { ImageRunConfig } from '#/oci/manifest.ts';
import type { RuntimeSpec, SpecDevice, SpecMount, SpecNamespace } from '#/oci/runtime-spec.ts';

export interface SpecWish {
  readonly namespace: string;
  readonly id: string;
  readonly flags: ContainerFlags & RunFlags;
  /** The command and its arguments; none for what the image says. */
  readonly args: readonly string[];
  readonly image: ImageRunConfig;
  readonly user: FoundUser;
  /** '' where a snapshot is the root. */
  readonly rootPath: string;
  /** Lines of env files. */
  readonly fileVariables: readonly string[];
  readonly devices: readonly SpecDevice[];
  readonly host: HostSecurity;
}

/** Pure: whatever needs the disk, the kernel or the daemon was looked up before. */
export function buildSpec(wish: SpecWish): RuntimeSpec {
  const { namespace, id, flags, user, host } = wish;
  const base = defaultSpec({ namespace, id });
  const { capabilities, apparmor, seccomp } = securityOf(flags, host);
  const uidMappings = flags.uidmap.map(readIdMapping);
  const labels = parseLabels(flags.label);
  const annotations = { ...readAnnotations(flags.annotation), ...labels };
  const memory = memoryOf(flags);
  const cpu = cpuOf(flags);
  return {
    ...base,
    process: {
      ...base.process,
      ...(flags.tty ? { terminal: true } : {}),
      user: { uid: user.uid, gid: user.gid, additionalGids: withPrimary(user) },
      args: commandOf(wish),
      env: variablesOf(wish),
      cwd: flags.cwd ?? (wish.image.WorkingDir || '/'),
      capabilities: capabilitySets(capabilities),
      ...(flags['rlimit-nofile'] === undefined ? {} : { rlimits: [readRlimit(flags['rlimit-nofile'])] }),
      noNewPrivileges: !flags['allow-new-privs'],
      ...(apparmor === undefined ? {} : { apparmorProfile: apparmor }),
    },
    root: { path: wish.rootPath === '' ? 'rootfs' : wish.rootPath, ...(flags['read-only'] ? { readonly: true } : {}) },
    ...(flags.hostname === undefined ? {} : { hostname: flags.hostname }),
    mounts: mountsOf(base.mounts, flags),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    linux: {
      ...base.linux,
      cgroupsPath: flags.cgroup ?? base.linux.cgroupsPath,
      namespaces: namespacesOf(base.linux.namespaces, flags),
      resources: {
        devices: deviceRulesOf(wish, base),
        ...(memory === undefined ? {} : { memory }),
        ...(cpu === undefined ? {} : { cpu }),
      },
      ...(wish.devices.length === 0 ? {} : { devices: wish.devices }),
      ...(flags.privileged ? { maskedPaths: [], readonlyPaths: [] } : {}),
      ...(flags['rootfs-propagation'] === undefined ? {} : { rootfsPropagation: flags['rootfs-propagation'] }),
      ...(uidMappings.length === 0 ? {} : { uidMappings, gidMappings: flags.gidmap.map(readIdMapping) }),
      ...(seccomp === undefined ? {} : { seccomp }),
      ...(flags['rdt-class'] === undefined ? {} : { intelRdt: { closID: flags['rdt-class'] } }),
    },
  };
}

/** The primary group is among the groups of a process, as on a login. */
const withPrimary = ({ gid, additionalGids }: FoundUser): number[] => [...new Set([gid, ...additionalGids])];

function commandOf({ args, image, id }: SpecWish): readonly string[] {
  const command = args.length > 0 ? args : [...(image.Entrypoint ?? []), ...(image.Cmd ?? [])];
  if (command.length > 0) return command;
  throw new EngineError(
    'invalid-argument',
    `Cannot run container "${id}": the image names no command; give one after the container's name`,
  );
}

const usualPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

function variablesOf({ flags, image, fileVariables }: SpecWish): string[] {
  const defaults = image.Env === undefined || image.Env.length === 0 ? [usualPath] : image.Env;
  const given = mergeVariables(defaults, mergeVariables(fileVariables, flags.env));
  const terminal = flags.tty ? [...given, 'TERM=xterm'] : given;
  return flags['net-host'] ? mergeVariables(terminal, [`HOSTNAME=${hostname()}`]) : terminal;
}

const fromHost = (path: string): SpecMount => ({
  destination: path,
  type: 'bind',
  source: path,
  options: ['rbind', 'ro'],
});

function mountsOf(base: readonly SpecMount[], flags: ContainerFlags): SpecMount[] {
  const own = flags.mount.map(readMount);
  const taken = new Set(own.map(({ destination }) => destination));
  const kept = base.filter(({ destination }) => !taken.has(destination));
  const writable = flags.privileged ? kept.map(withWritableSys) : kept;
  return [...writable, ...own, ...(flags['net-host'] ? [fromHost('/etc/hosts'), fromHost('/etc/resolv.conf')] : [])];
}

function withWritableSys(mount: SpecMount): SpecMount {
  if (mount.type !== 'sysfs' && mount.type !== 'cgroup') return mount;
  return { ...mount, options: mount.options.map((option) => (option === 'ro' ? 'rw' : option)) };
}

function namespacesOf(base: readonly SpecNamespace[], flags: ContainerFlags & RunFlags): SpecNamespace[] {
  const own = flags['net-host'] ? base.filter(({ type }) => type !== 'network') : [...base];
  const mapped: SpecNamespace[] = flags.uidmap.length > 0 ? [{ type: 'user' }] : [];
  const joined = flags['with-ns'].map(readNamespace);
  const replaced = [...own, ...mapped].map((each) => joined.findLast(({ type }) => type === each.type) ?? each);
  return [...replaced, ...joined.filter(({ type }) => !replaced.some((each) => each.type === type))];
}

function deviceRulesOf(
  { flags, devices }: SpecWish,
  base: RuntimeSpec,
): RuntimeSpec['linux']['resources']['devices'] & object {
  const added = devices.map(({ type, major, minor }) => ({ allow: true, type, major, minor, access: 'rwm' }));
  if (flags.privileged && !flags['privileged-without-host-devices']) return [{ allow: true, access: 'rwm' }];
  return [...(base.linux.resources.devices ?? []), ...usualDeviceRules, ...added];
}
