import { EngineError } from '#/base/errors.ts';

/** Linux capabilities up to 6.x, in the kernel's order. */
export const allCapabilities: readonly string[] = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
].map((name) => `CAP_${name}`);

/** What a container has when nobody says otherwise: the fourteen that Docker and containerd give. */
export const defaultCapabilities: readonly string[] = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FSETID',
  'FOWNER',
  'MKNOD',
  'NET_RAW',
  'SETGID',
  'SETUID',
  'SETFCAP',
  'SETPCAP',
  'NET_BIND_SERVICE',
  'SYS_CHROOT',
  'KILL',
  'AUDIT_WRITE',
].map((name) => `CAP_${name}`);

function readName(text: string): string {
  const upper = text.toUpperCase();
  const name = upper === 'ALL' || upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  if (name === 'ALL' || allCapabilities.includes(name)) return name;
  throw new EngineError(
    'invalid-argument',
    `Cannot add or drop capability ${JSON.stringify(text)}: no such capability`,
  );
}

/**
 * The capabilities of a container: `add` and `drop` with or without "CAP_", any case, "ALL" allowed, adding after
 * dropping all. `present` are those that the daemon itself has; privileged containers get no more than these.
 */
export function selectCapabilities(options: {
  readonly add: readonly string[];
  readonly drop: readonly string[];
  readonly privileged: boolean;
  readonly present: readonly string[];
}): string[] {
  const { present } = options;
  if (options.privileged) return [...present];
  const add = options.add.map(readName);
  const drop = options.drop.map(readName);
  const chosen = new Set(drop.includes('ALL') ? [] : defaultCapabilities);
  if (add.includes('ALL')) for (const name of present) chosen.add(name);
  for (const name of add) if (name !== 'ALL') chosen.add(name);
  for (const name of drop) if (name !== 'ALL' && !add.includes(name)) chosen.delete(name);
  return allCapabilities.filter((name) => chosen.has(name));
}

/** Decodes the hexadecimal mask of `/proc/self/status`. */
export function decodeCapabilityMask(hex: string): string[] {
  const mask = BigInt(`0x${hex}`);
  return allCapabilities.filter((_name, bit) => (mask >> BigInt(bit)) & 1n);
}
