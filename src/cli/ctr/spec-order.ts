/** Go prints a runtime spec in the order of its own types, whoever wrote it in which. */
const orders: Readonly<Record<string, readonly string[]>> = {
  '': ['ociVersion', 'process', 'root', 'hostname', 'domainname', 'mounts', 'hooks', 'annotations', 'linux'],
  process: [
    'terminal',
    'consoleSize',
    'user',
    'args',
    'env',
    'cwd',
    'capabilities',
    'rlimits',
    'noNewPrivileges',
    'apparmorProfile',
    'oomScoreAdj',
  ],
  linux: [
    'uidMappings',
    'gidMappings',
    'sysctl',
    'resources',
    'cgroupsPath',
    'namespaces',
    'devices',
    'seccomp',
    'rootfsPropagation',
    'maskedPaths',
    'readonlyPaths',
    'mountLabel',
    'intelRdt',
  ],
};

/** The same document, its members in that order; what Go does not know comes last. */
export function inSpecOrder(spec: unknown): unknown {
  if (!isObject(spec)) return spec;
  const ordered = order('', spec);
  for (const part of ['process', 'linux']) if (isObject(ordered[part])) ordered[part] = order(part, ordered[part]);
  return ordered;
}

function order(part: string, members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const known = (orders[part] ?? []).filter((name) => Object.hasOwn(members, name));
  const rest = Object.keys(members).filter((name) => !known.includes(name));
  return Object.fromEntries([...known, ...rest].map((name) => [name, members[name]]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
