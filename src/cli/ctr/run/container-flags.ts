import { snapshotterFlags } from '#/cli/ctr/group-flags.ts';
import { runtimeFlags, type RuntimeFlags } from '#/cli/ctr/run/runtime-flags.ts';
import { boolean, list, number, text, type FlagsFor } from '#/cli/flags.ts';

type Text = string | undefined;
type List = readonly string[];

/** What `run` and `containers create` share: what a container is. */
export interface ContainerFlags extends RuntimeFlags {
  readonly snapshotter: Text;
  readonly 'snapshotter-label': List;
  readonly config: Text;
  readonly cwd: Text;
  readonly env: List;
  readonly 'env-file': Text;
  readonly label: List;
  readonly annotation: List;
  readonly mount: List;
  readonly 'net-host': boolean;
  readonly privileged: boolean;
  readonly 'read-only': boolean;
  readonly sandbox: Text;
  readonly tty: boolean;
  readonly interactive: boolean;
  readonly 'with-ns': List;
  readonly 'pid-file': Text;
  readonly gpus: List;
  readonly 'allow-new-privs': boolean;
  readonly 'memory-limit': Text;
  readonly 'cap-add': List;
  readonly 'cap-drop': List;
  readonly seccomp: boolean;
  readonly 'seccomp-profile': Text;
  readonly 'apparmor-default-profile': Text;
  readonly 'apparmor-profile': Text;
  readonly 'blockio-config-file': Text;
  readonly 'blockio-class': Text;
  readonly 'rdt-class': Text;
  readonly hostname: Text;
  readonly user: Text;
  readonly rootfs: boolean;
  readonly 'no-pivot': boolean;
  readonly 'cpu-quota': number | undefined;
  readonly 'cpu-period': number | undefined;
  readonly 'rootfs-propagation': Text;
  readonly device: List;
}

export const containerFlags: FlagsFor<ContainerFlags> = {
  ...runtimeFlags,
  ...snapshotterFlags,
  'snapshotter-label': list('', 'KEY=VALUE', 'Label of the container’s new snapshot'),
  config: text('c', 'FILE', 'Take the whole runtime spec from this file; only the container’s name follows'),
  cwd: text('', 'DIR', 'Directory that the command starts in'),
  env: list('', 'KEY=VALUE', 'Environment variable; KEY alone takes one away that the image has'),
  'env-file': text('', 'FILE', 'Environment variables, one a line'),
  label: list('', 'KEY=VALUE', 'Label of the container'),
  annotation: list('', 'KEY=VALUE', 'Annotation for the runtime'),
  mount: list('', 'SPEC', 'Mount: type=bind,src=/a,dst=/b,options=rbind:ro'),
  'net-host': boolean('', 'Share the network of this machine'),
  privileged: boolean('', 'Hold nothing back: all capabilities and devices'),
  'read-only': boolean('', 'Make the root file system read-only'),
  sandbox: text('', 'ID', 'Put the container into this sandbox'),
  tty: boolean('t', 'Give the command a terminal'),
  interactive: boolean('i', 'Pass our standard input on, which is always done (so that -it works)'),
  'with-ns': list('', 'TYPE:PATH', 'Join a Linux namespace that is there, such as network:/run/netns/a'),
  'pid-file': text('', 'FILE', 'Write the process id to this file'),
  gpus: list('', 'N', 'GPU to add'),
  'allow-new-privs': boolean('', 'Let programs gain privileges, as sudo and ping do'),
  'memory-limit': text('', 'BYTES', 'Most memory to use, in bytes or as 512m'),
  'cap-add': list('', 'CAP', 'Capability to add, such as CAP_NET_ADMIN'),
  'cap-drop': list('', 'CAP', 'Capability to take away'),
  seccomp: boolean('', 'Refuse unusual system calls by the default profile'),
  'seccomp-profile': text('', 'FILE', 'Seccomp profile to use instead; needs --seccomp'),
  'apparmor-default-profile': text('', 'NAME', 'AppArmor profile of that name, which must be loaded'),
  'apparmor-profile': text('', 'NAME', 'AppArmor profile of your own'),
  'blockio-config-file': text('', 'FILE', 'Definitions of block I/O classes'),
  'blockio-class': text('', 'NAME', 'Block I/O class of the container'),
  'rdt-class': text('', 'NAME', 'Class of service for cache and memory bandwidth'),
  hostname: text('', 'NAME', 'Host name in the container'),
  user: text('u', 'USER[:GROUP]', 'User to run as, by name or number'),
  rootfs: boolean('', 'The first argument is a directory to use as root, not an image'),
  'no-pivot': boolean('', 'Do not use pivot_root'),
  'cpu-quota': number('', 'N', 'CPU time in microseconds per period'),
  'cpu-period': number('', 'N', 'Length of a period in microseconds'),
  'rootfs-propagation': text('', 'MODE', 'Mount propagation of the root, such as shared'),
  device: list('', 'PATH', 'Device, or directory of devices, to add'),
};

/** What only `run` takes. */
export interface RunFlags {
  readonly rm: boolean;
  readonly 'null-io': boolean;
  readonly 'log-uri': Text;
  readonly detach: boolean;
  readonly 'fifo-dir': Text;
  readonly cgroup: Text;
  readonly platform: Text;
  readonly cni: boolean;
  readonly 'sync-fs': boolean;
  readonly 'dump-config': Text;
  readonly uidmap: List;
  readonly gidmap: List;
  readonly 'remap-labels': boolean;
  readonly 'privileged-without-host-devices': boolean;
  readonly cpus: Text;
  readonly 'cpu-shares': number | undefined;
  readonly 'cpu-burst': number | undefined;
  readonly 'cpuset-cpus': Text;
  readonly 'cpuset-mems': Text;
  readonly 'rlimit-nofile': Text;
}

export const runFlags: FlagsFor<RunFlags> = {
  rm: boolean('', 'Remove the container when it ends'),
  'null-io': boolean('', 'Throw away all output, and give no input'),
  'log-uri': text('', 'URI', 'Where output goes, such as file:///var/log/web.log'),
  detach: boolean('d', 'Come back at once; "berth ctr logs" shows the output'),
  'fifo-dir': text('', 'DIR', 'Where the pipes for input and output are made'),
  cgroup: text('', 'PATH', 'Control group; "" for none'),
  platform: text('', 'OS/ARCH', 'Platform of the image to run'),
  cni: boolean('', 'Set up a network by CNI, as /etc/cni/net.d says'),
  'sync-fs': boolean('', 'Bring each layer to the disk while unpacking'),
  'dump-config': text('', 'FILE', 'Write the runtime spec to this file'),
  uidmap: list('', 'ID:HOST:N', 'Map user ids into a user namespace, such as 0:100000:65536'),
  gidmap: list('', 'ID:HOST:N', 'Map group ids into a user namespace'),
  'remap-labels': boolean('', 'Let the snapshotter shift the owners of files'),
  'privileged-without-host-devices': boolean('', 'With --privileged: leave out the devices of this machine'),
  cpus: text('', 'N', 'CPUs worth of time, such as 1.5'),
  'cpu-shares': number('', 'N', 'Weight against other containers (default 1024)'),
  'cpu-burst': number('', 'N', 'CPU time in microseconds that may be saved up'),
  'cpuset-cpus': text('', 'LIST', 'CPUs to run on, such as 0-1,3'),
  'cpuset-mems': text('', 'LIST', 'Memory nodes to use'),
  'rlimit-nofile': text('', 'SOFT[:HARD]', 'Most files that may be open'),
};

/** What `containers create` does not ask about. */
export const noRunFlags: RunFlags = {
  rm: false,
  'null-io': false,
  'log-uri': undefined,
  detach: false,
  'fifo-dir': undefined,
  cgroup: undefined,
  platform: undefined,
  cni: false,
  'sync-fs': false,
  'dump-config': undefined,
  uidmap: [],
  gidmap: [],
  'remap-labels': false,
  'privileged-without-host-devices': false,
  cpus: undefined,
  'cpu-shares': 0,
  'cpu-burst': undefined,
  'cpuset-cpus': undefined,
  'cpuset-mems': undefined,
  'rlimit-nofile': undefined,
};
