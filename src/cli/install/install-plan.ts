import { EngineError } from '#/base/errors.ts';
import { dropIn, serviceUnit, socketUnit } from '#/cli/install/unit-files.ts';

/** One thing that an installation puts on this machine. */
export type Step =
  | { readonly kind: 'file'; readonly path: string; readonly content: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

export interface InstallPlan {
  readonly steps: readonly Step[];
  /** Sockets that berthd will listen on. */
  readonly sockets: readonly string[];
  /** Units of systemd that hold the same sockets. */
  readonly rivals: readonly string[];
}

export interface InstallOptions {
  /** Directory of the launchers. */
  readonly programs: string;
  readonly roles: readonly string[];
  readonly units: string;
  readonly root: string | undefined;
  readonly state: string;
}

interface Role {
  readonly grpc?: readonly string[];
  readonly docker?: readonly string[];
  readonly command: string;
  readonly rivals: readonly string[];
}

const roles: Readonly<Record<string, Role>> = {
  containerd: { grpc: ['/run/containerd/containerd.sock'], command: 'ctr', rivals: ['containerd.service'] },
  docker: { docker: ['/run/docker.sock'], command: 'docker', rivals: ['docker.service', 'docker.socket'] },
  nerdctl: { command: 'nerdctl', rivals: [] },
};

export const serviceName = 'berth.service';
export const socketName = 'berth.socket';
const commands = '/usr/local/bin';
const dropInPath = '/etc/berth/conf.d/50-system-install.toml';

/** What is to be there. Throws `unimplemented` or `invalid-argument` for what berth cannot stand in for. */
export function planInstall({ programs, roles: names, units, root, state }: InstallOptions): InstallPlan {
  const played = names.map(findRole);
  const [grpc, docker] = [played.flatMap((role) => role.grpc ?? []), played.flatMap((role) => role.docker ?? [])];
  const sockets = [`${state}/berth.sock`, ...grpc].flatMap((path) => [path, `${path}.ttrpc`]);
  sockets.push(`${state}/docker.sock`, ...docker);
  const words = [`${programs}/berthd`, '--state', state, ...(root === undefined ? [] : ['--root', root])];
  const link = (name: string, program: string): Step => ({
    kind: 'link',
    path: `${commands}/${name}`,
    target: `${programs}/${program}`,
  });
  const steps: Step[] = [
    { kind: 'file', path: `${units}/${socketName}`, content: socketUnit(sockets) },
    { kind: 'file', path: `${units}/${serviceName}`, content: serviceUnit(words) },
    ...(grpc.length + docker.length === 0
      ? []
      : [{ kind: 'file', path: dropInPath, content: dropIn({ grpc, docker }) } as const]),
    link('berth', 'berth'),
    link('berthd', 'berthd'),
    ...played.map(({ command }) => link(command, 'berth')),
  ];
  return {
    steps: steps.filter((step) => step.kind !== 'link' || step.path !== step.target),
    sockets,
    rivals: played.flatMap((role) => role.rivals),
  };
}

function findRole(name: string): Role {
  const role = Object.hasOwn(roles, name) ? roles[name] : undefined;
  if (role !== undefined) return role;
  if (name === 'crictl')
    throw new EngineError('unimplemented', 'Cannot stand in for "crictl": berth does not speak CRI yet');
  throw new EngineError(
    'invalid-argument',
    `Cannot stand in for "${name}": --as takes ${Object.keys(roles).join(', ')}`,
  );
}
