import type { Command } from '#/cli/command.ts';
import type { CtrStart } from '#/cli/ctr/run-ctr.ts';

export type Section = 'Run' | 'Containers' | 'Images' | 'Registries' | 'System';

export interface TableEntry {
  readonly section: Section;
  readonly about: string;
  readonly load: () => Promise<Command>;
}

/** Every command. A command's file is loaded when it is called, so that none pays for the others. */
export const commandTable: Readonly<Record<string, TableEntry>> = {
  run: entry('Run', 'Create and start a container from an image', () => import('#/cli/commands/run.ts')),
  create: entry('Run', 'Create a container without starting it', () => import('#/cli/commands/create.ts')),
  exec: entry('Run', 'Run a command in a running container', () => import('#/cli/commands/exec.ts')),
  attach: entry('Run', 'Connect this terminal to a running container', () => import('#/cli/commands/attach.ts')),

  ps: entry('Containers', 'List containers', () => import('#/cli/commands/ps.ts')),
  inspect: entry(
    'Containers',
    'Show all that is known of containers and images',
    () => import('#/cli/commands/inspect.ts'),
  ),
  logs: entry('Containers', 'Show what a container wrote', () => import('#/cli/commands/logs.ts')),
  top: entry('Containers', 'List the processes of a container', () => import('#/cli/commands/top.ts')),
  start: entry('Containers', 'Start stopped containers', () => import('#/cli/commands/start.ts')),
  stop: entry('Containers', 'Stop containers, politely first', () => import('#/cli/commands/stop.ts')),
  restart: entry('Containers', 'Stop and start containers', () => import('#/cli/commands/restart.ts')),
  kill: entry('Containers', 'Send a signal to containers', () => import('#/cli/commands/kill.ts')),
  pause: entry('Containers', 'Freeze all processes of containers', () => import('#/cli/commands/pause.ts')),
  unpause: entry('Containers', 'Let frozen containers go on', () => import('#/cli/commands/unpause.ts')),
  wait: entry(
    'Containers',
    'Wait for containers to stop, then print their exit codes',
    () => import('#/cli/commands/wait.ts'),
  ),
  rename: entry('Containers', 'Give a container another name', () => import('#/cli/commands/rename.ts')),
  rm: entry('Containers', 'Remove containers', () => import('#/cli/commands/rm.ts')),

  images: entry('Images', 'List images', () => import('#/cli/commands/images.ts')),
  history: entry('Images', 'Show how an image was made', () => import('#/cli/commands/history.ts')),
  tag: entry('Images', 'Give an image another name', () => import('#/cli/commands/tag.ts')),
  share: entry('Images', 'Give an image to another namespace', () => import('#/cli/commands/share.ts')),
  rmi: entry('Images', 'Remove images', () => import('#/cli/commands/rmi.ts')),
  save: entry('Images', 'Write images to a tar archive', () => import('#/cli/commands/save.ts')),
  load: entry('Images', 'Read images from a tar archive', () => import('#/cli/commands/load.ts')),

  pull: entry('Registries', 'Download an image', () => import('#/cli/commands/pull.ts')),
  push: entry('Registries', 'Upload an image', () => import('#/cli/commands/push.ts')),
  login: entry('Registries', 'Remember the credentials of a registry', () => import('#/cli/commands/login.ts')),
  logout: entry('Registries', 'Forget the credentials of a registry', () => import('#/cli/commands/logout.ts')),

  events: entry('System', 'Watch what happens in the daemon', () => import('#/cli/commands/events.ts')),
  info: entry('System', 'Show the state of the daemon', () => import('#/cli/commands/info.ts')),
  install: entry(
    'System',
    'Make berth a service of this machine, in place of other engines if asked',
    () => import('#/cli/commands/install.ts'),
  ),
  uninstall: entry('System', 'Undo what install did', () => import('#/cli/commands/uninstall.ts')),
  version: entry('System', 'Show the versions of client and daemon', () => import('#/cli/commands/version.ts')),
};

function entry(section: Section, about: string, load: () => Promise<{ readonly command: Command }>): TableEntry {
  return { section, about, load: async () => (await load()).command };
}

export interface Subprogram {
  readonly about: string;
  readonly load: () => Promise<(start: CtrStart) => Promise<number>>;
}

/** Command lines of other tools, which berth speaks whole: they read their own words. */
export const subprograms: Readonly<Record<string, Subprogram>> = {
  ctr: {
    about: 'containerd’s ctr: images, blobs, snapshots, tasks and namespaces over its own API',
    load: async () => (await import('#/cli/ctr/run-ctr.ts')).runCtr,
  },
};

/** The grouped spelling: `berth container ls` is `berth ps`. Words after the name are put before the user's. */
export interface GroupedName {
  readonly name: string;
  readonly words?: readonly string[];
}

const sameNames = (names: readonly string[]): Record<string, GroupedName> =>
  Object.fromEntries(names.map((name) => [name, { name }]));

export const commandGroups: Readonly<Record<string, Readonly<Record<string, GroupedName>>>> = {
  container: {
    ...sameNames(['run', 'create', 'exec', 'attach', 'logs', 'top', 'start', 'stop', 'restart', 'kill', 'pause']),
    ...sameNames(['unpause', 'wait', 'rename', 'rm', 'ps']),
    ls: { name: 'ps' },
    list: { name: 'ps' },
    remove: { name: 'rm' },
    inspect: { name: 'inspect', words: ['--type', 'container'] },
  },
  image: {
    ...sameNames(['history', 'tag', 'share', 'save', 'load', 'pull', 'push']),
    ls: { name: 'images' },
    list: { name: 'images' },
    rm: { name: 'rmi' },
    remove: { name: 'rmi' },
    inspect: { name: 'inspect', words: ['--type', 'image'] },
  },
  system: sameNames(['events', 'info', 'install', 'uninstall']),
};
