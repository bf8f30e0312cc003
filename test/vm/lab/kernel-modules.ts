import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The files of these modules and of all that they need, in the order in which they can be loaded. */
export async function modulesInOrder(directory: string, wanted: readonly string[]): Promise<string[]> {
  const lines = (await readFile(join(directory, 'modules.dep'), 'utf8')).trim().split('\n');
  const needs = new Map(
    lines.map((line) => {
      const [path = '', rest = ''] = line.split(':');
      // The farthest comes last there.
      return [path, rest.split(' ').filter(Boolean).reverse()] as const;
    }),
  );
  const order = wanted.flatMap((name) => {
    const path = [...needs.keys()].find((candidate) => candidate.endsWith(`/${name}.ko`));
    if (path === undefined) throw new Error(`Cannot find the kernel module "${name}" in ${directory}`);
    return [...(needs.get(path) ?? []), path];
  });
  return [...new Set(order)];
}
