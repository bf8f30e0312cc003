import { debugSocketFlags, shimFlags, snapshotterFlags } from '#/cli/ctr/group-flags.ts';
import type { CtrCommand } from '#/cli/ctr/ctr-command.ts';
import type { FlagSpecs } from '#/cli/flags.ts';

export type CtrNode = CtrLeaf | CtrGroup;

export interface CtrLeaf {
  readonly kind: 'command';
  readonly aliases: readonly string[];
  readonly about: string;
  readonly load: () => Promise<CtrCommand>;
}

export interface CtrGroup {
  readonly kind: 'group';
  readonly aliases: readonly string[];
  readonly about: string;
  /** Before the subcommand or after it. */
  readonly flags: FlagSpecs;
  readonly children: Readonly<Record<string, CtrNode>>;
}

const removal: readonly string[] = ['del', 'remove', 'rm'];

/** Every command, with the names that ctr has. A command's file is loaded when it is called. */
export const ctrTree: Readonly<Record<string, CtrNode>> = {
  version: leaf('Show the versions of client and daemon', () => import('#/cli/ctr/commands/version.ts')),
  info: leaf('Show who the daemon is', () => import('#/cli/ctr/commands/info.ts')),
  plugins: group(['plugin'], 'See what the daemon is made of', {
    list: leaf('List the parts of the daemon', () => import('#/cli/ctr/commands/plugins-list.ts'), ['ls']),
    'inspect-runtime': leaf(
      'Show what a runtime says of itself',
      () => import('#/cli/ctr/commands/plugins-inspect-runtime.ts'),
    ),
  }),
  deprecations: group([], 'See what will go in a later version', {
    list: leaf('List what is in use and will go', () => import('#/cli/ctr/commands/deprecations-list.ts')),
  }),
  run: leaf('Run a command in a new container', () => import('#/cli/ctr/commands/run.ts')),
  exec: leaf('Run a command in a running container', () => import('#/cli/ctr/commands/tasks-exec.ts')),
  stats: leaf('Watch what containers use', () => import('#/cli/ctr/commands/stats.ts')),
  logs: leaf('Show what a detached container wrote', () => import('#/cli/ctr/commands/logs.ts')),
  containers: group(['c', 'container'], 'Manage containers: what may run', {
    create: leaf('Make a container', () => import('#/cli/ctr/commands/containers-create.ts')),
    list: leaf('List containers', () => import('#/cli/ctr/commands/containers-list.ts'), ['ls']),
    info: leaf('Show all of a container', () => import('#/cli/ctr/commands/containers-info.ts')),
    label: leaf('Set and clear labels of a container', () => import('#/cli/ctr/commands/containers-label.ts')),
    checkpoint: leaf('Save a container as an image', () => import('#/cli/ctr/commands/containers-checkpoint.ts')),
    restore: leaf('Run a saved container', () => import('#/cli/ctr/commands/containers-restore.ts')),
    delete: leaf('Delete containers', () => import('#/cli/ctr/commands/containers-delete.ts'), removal),
  }),
  tasks: group(['t', 'task'], 'Manage tasks: what runs', {
    start: leaf('Run what a container was made for', () => import('#/cli/ctr/commands/tasks-start.ts')),
    exec: leaf('Run a command in a running container', () => import('#/cli/ctr/commands/tasks-exec.ts')),
    attach: leaf('Connect this terminal to a task', () => import('#/cli/ctr/commands/tasks-attach.ts')),
    list: leaf('List tasks', () => import('#/cli/ctr/commands/tasks-list.ts'), ['ls']),
    ps: leaf('List the processes of a container', () => import('#/cli/ctr/commands/tasks-ps.ts')),
    metrics: leaf('Show what a container uses', () => import('#/cli/ctr/commands/tasks-metrics.ts'), ['metric']),
    kill: leaf('Send a signal to a container', () => import('#/cli/ctr/commands/tasks-kill.ts')),
    pause: leaf('Freeze a container', () => import('#/cli/ctr/commands/tasks-pause.ts')),
    resume: leaf('Let a frozen container go on', () => import('#/cli/ctr/commands/tasks-resume.ts')),
    checkpoint: leaf('Save the state of a container', () => import('#/cli/ctr/commands/tasks-checkpoint.ts')),
    delete: leaf('Delete tasks that have ended', () => import('#/cli/ctr/commands/tasks-delete.ts'), removal),
  }),
  events: leaf('Show what happens in the daemon', () => import('#/cli/ctr/commands/events.ts'), ['event']),
  images: group(['image', 'i'], 'Manage images', {
    list: leaf('List images', () => import('#/cli/ctr/commands/images-list.ts'), ['ls']),
    pull: leaf('Download an image', () => import('#/cli/ctr/commands/images-pull.ts')),
    push: leaf('Upload an image', () => import('#/cli/ctr/commands/images-push.ts')),
    import: leaf('Read images from an archive', () => import('#/cli/ctr/commands/images-import.ts')),
    export: leaf('Write images to an archive', () => import('#/cli/ctr/commands/images-export.ts')),
    check: leaf('See whether images are whole', () => import('#/cli/ctr/commands/images-check.ts')),
    inspect: leaf('Show what an image consists of', () => import('#/cli/ctr/commands/images-inspect.ts'), ['i']),
    usage: leaf('Show what an image takes on the disk', () => import('#/cli/ctr/commands/images-usage.ts')),
    tag: leaf('Give an image more names', () => import('#/cli/ctr/commands/images-tag.ts')),
    label: leaf('Set and clear labels of an image', () => import('#/cli/ctr/commands/images-label.ts')),
    convert: leaf('Make another image of one', () => import('#/cli/ctr/commands/images-convert.ts')),
    'build-erofs-cache': leaf('Not there', () => import('#/cli/ctr/commands/images-build-erofs-cache.ts')),
    share: leaf('Give an image to another namespace', () => import('#/cli/ctr/commands/images-share.ts')),
    mount: leaf('Mount the files of an image', () => import('#/cli/ctr/commands/images-mount.ts')),
    unmount: leaf('Unmount an image', () => import('#/cli/ctr/commands/images-unmount.ts')),
    delete: leaf('Remove images', () => import('#/cli/ctr/commands/images-delete.ts'), removal),
    prune: leaf('Remove images that no container uses', () => import('#/cli/ctr/commands/images-prune.ts')),
  }),
  login: leaf('Remember who you are to a registry', () => import('#/cli/ctr/commands/login.ts')),
  logout: leaf('Forget who you are to a registry', () => import('#/cli/ctr/commands/logout.ts')),
  prune: leaf('Remove what is not in use', () => import('#/cli/ctr/commands/prune.ts')),
  content: group([], 'Manage blobs: the bytes that images are made of', {
    list: leaf('List blobs', () => import('#/cli/ctr/commands/content-list.ts'), ['ls']),
    active: leaf('List uploads that have not ended', () => import('#/cli/ctr/commands/content-active.ts')),
    fetch: leaf('Download all content of an image', () => import('#/cli/ctr/commands/content-fetch.ts')),
    'fetch-object': leaf('Get a manifest from a registry', () => import('#/cli/ctr/commands/content-fetch-object.ts')),
    'fetch-blob': leaf('Get blobs from a registry', () => import('#/cli/ctr/commands/content-fetch-blob.ts')),
    'push-object': leaf('Upload one blob to a registry', () => import('#/cli/ctr/commands/content-push-object.ts')),
    get: leaf('Write a blob to standard output', () => import('#/cli/ctr/commands/content-get.ts')),
    ingest: leaf('Store standard input as a blob', () => import('#/cli/ctr/commands/content-ingest.ts')),
    edit: leaf('Make a new blob of one in an editor', () => import('#/cli/ctr/commands/content-edit.ts')),
    label: leaf('Set and clear labels of a blob', () => import('#/cli/ctr/commands/content-label.ts')),
    delete: leaf('Delete blobs', () => import('#/cli/ctr/commands/content-delete.ts'), removal),
    prune: group([], 'Let go of content', {
      references: leaf(
        'Let go of the layers of images that are unpacked',
        () => import('#/cli/ctr/commands/content-prune-references.ts'),
      ),
    }),
  }),
  snapshots: group(
    ['snapshot'],
    'Manage snapshots: the file trees of layers and containers',
    {
      list: leaf('List snapshots', () => import('#/cli/ctr/commands/snapshots-list.ts'), ['ls']),
      tree: leaf('Show snapshots as trees', () => import('#/cli/ctr/commands/snapshots-tree.ts')),
      info: leaf('Show all of a snapshot', () => import('#/cli/ctr/commands/snapshots-info.ts')),
      usage: leaf('Show what snapshots take on the disk', () => import('#/cli/ctr/commands/snapshots-usage.ts')),
      mounts: leaf('Show how to mount a snapshot', () => import('#/cli/ctr/commands/snapshots-mounts.ts'), [
        'm',
        'mount',
      ]),
      prepare: leaf('Make a writable snapshot', () => import('#/cli/ctr/commands/snapshots-prepare.ts')),
      view: leaf('Make a read-only snapshot', () => import('#/cli/ctr/commands/snapshots-view.ts')),
      commit: leaf('Turn a writable snapshot into a layer', () => import('#/cli/ctr/commands/snapshots-commit.ts')),
      diff: leaf('Write what changed as a layer', () => import('#/cli/ctr/commands/snapshots-diff.ts')),
      unpack: leaf('Unpack the layers of an image', () => import('#/cli/ctr/commands/snapshots-unpack.ts')),
      label: leaf('Set and clear labels of a snapshot', () => import('#/cli/ctr/commands/snapshots-label.ts')),
      delete: leaf('Remove snapshots', () => import('#/cli/ctr/commands/snapshots-delete.ts'), removal),
    },
    snapshotterFlags,
  ),
  leases: group([], 'Manage leases: what keeps things from being collected', {
    list: leaf('List leases', () => import('#/cli/ctr/commands/leases-list.ts'), ['ls']),
    create: leaf('Make a lease', () => import('#/cli/ctr/commands/leases-create.ts')),
    delete: leaf('End leases', () => import('#/cli/ctr/commands/leases-delete.ts'), removal),
  }),
  namespaces: group(['namespace', 'ns'], 'Manage namespaces, each a world of its own', {
    list: leaf('List namespaces', () => import('#/cli/ctr/commands/namespaces-list.ts'), ['ls']),
    create: leaf('Make a namespace', () => import('#/cli/ctr/commands/namespaces-create.ts'), ['c']),
    label: leaf('Set and clear labels of a namespace', () => import('#/cli/ctr/commands/namespaces-label.ts')),
    remove: leaf('Remove empty namespaces', () => import('#/cli/ctr/commands/namespaces-remove.ts'), ['rm']),
  }),
  sandboxes: group(['sandbox', 'sb', 's'], 'Manage sandboxes, which several containers share', {
    run: leaf('Make and start a sandbox', () => import('#/cli/ctr/commands/sandboxes-run.ts'), ['create', 'c', 'r']),
    list: leaf('List sandboxes', () => import('#/cli/ctr/commands/sandboxes-list.ts'), ['ls']),
    info: leaf('Show all of a sandbox', () => import('#/cli/ctr/commands/sandboxes-info.ts'), ['i']),
    remove: leaf('Stop and remove sandboxes', () => import('#/cli/ctr/commands/sandboxes-remove.ts'), ['rm']),
  }),
  oci: group([], 'Work with the formats themselves', {
    spec: leaf('Show the spec that a container starts from', () => import('#/cli/ctr/commands/oci-spec.ts')),
  }),
  install: leaf('Copy programs out of an image', () => import('#/cli/ctr/commands/install.ts')),
  pprof: group(
    [],
    'See where the daemon spends time and memory, by its debug socket',
    {
      block: leaf('Show where it blocks', () => import('#/cli/ctr/commands/pprof-block.ts')),
      goroutines: leaf('Show what it is doing', () => import('#/cli/ctr/commands/pprof-goroutines.ts')),
      heap: leaf('Show who takes memory', () => import('#/cli/ctr/commands/pprof-heap.ts')),
      profile: leaf('Show where CPU time goes', () => import('#/cli/ctr/commands/pprof-profile.ts')),
      threadcreate: leaf('Show what made threads', () => import('#/cli/ctr/commands/pprof-threadcreate.ts')),
      trace: leaf('Record what it does', () => import('#/cli/ctr/commands/pprof-trace.ts')),
    },
    debugSocketFlags,
  ),
  shim: group(
    [],
    'Speak with a shim itself, past the daemon',
    {
      start: leaf('Start its container', () => import('#/cli/ctr/commands/shim-start.ts')),
      state: leaf('Show the state of its container', () => import('#/cli/ctr/commands/shim-state.ts')),
      exec: leaf('Start another process', () => import('#/cli/ctr/commands/shim-exec.ts')),
      delete: leaf('Delete a container that has ended', () => import('#/cli/ctr/commands/shim-delete.ts')),
      shutdown: leaf('End the shim', () => import('#/cli/ctr/commands/shim-shutdown.ts')),
      pprof: leaf('Not there', () => import('#/cli/ctr/commands/shim-pprof.ts')),
    },
    shimFlags,
  ),
};

function leaf(
  about: string,
  load: () => Promise<{ readonly command: CtrCommand }>,
  aliases: readonly string[] = [],
): CtrLeaf {
  return { kind: 'command', about, aliases, load: async () => (await load()).command };
}

function group(
  aliases: readonly string[],
  about: string,
  children: Readonly<Record<string, CtrNode>>,
  flags: FlagSpecs = {},
): CtrGroup {
  return { kind: 'group', about, aliases, flags, children };
}

/** The child of that name or alias. */
export function findChild(
  children: Readonly<Record<string, CtrNode>>,
  word: string,
): { readonly name: string; readonly node: CtrNode } | undefined {
  for (const [name, node] of Object.entries(children))
    if (name === word || node.aliases.includes(word)) return { name, node };
  return undefined;
}

const mostBelow = 3;

/** Where in the groups below something has that name, such as "images pull"; nothing when it is all over the place. */
export function findBelow(children: Readonly<Record<string, CtrNode>>, word: string): readonly string[] {
  const found = Object.entries(children).flatMap(([name, node]) => {
    const child = node.kind === 'group' ? findChild(node.children, word) : undefined;
    return child === undefined ? [] : [`${name} ${child.name}`];
  });
  return found.length > mostBelow ? [] : found;
}
