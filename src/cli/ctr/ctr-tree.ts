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

/** Every command, with the names that ctr has. A command's file is loaded when it is called. */
export const ctrTree: Readonly<Record<string, CtrNode>> = {
  version: leaf('Show the versions of client and daemon', () => import('#/cli/ctr/commands/version.ts')),
  plugins: group(['plugin'], 'See what the daemon is made of', {
    list: leaf('List the parts of the daemon', () => import('#/cli/ctr/commands/plugins-list.ts'), ['ls']),
  }),
  content: group([], 'Manage blobs: the bytes that images are made of', {
    list: leaf('List blobs', () => import('#/cli/ctr/commands/content-list.ts'), ['ls']),
  }),
  images: group(['image', 'i'], 'Manage images', {
    list: leaf('List images', () => import('#/cli/ctr/commands/images-list.ts'), ['ls']),
  }),
  namespaces: group(['namespace', 'ns'], 'Manage namespaces, each a world of its own', {
    create: leaf('Make a namespace', () => import('#/cli/ctr/commands/namespaces-create.ts'), ['c']),
    list: leaf('List namespaces', () => import('#/cli/ctr/commands/namespaces-list.ts'), ['ls']),
    remove: leaf('Remove empty namespaces', () => import('#/cli/ctr/commands/namespaces-remove.ts'), ['rm']),
    label: leaf('Set and clear labels of a namespace', () => import('#/cli/ctr/commands/namespaces-label.ts')),
  }),
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
