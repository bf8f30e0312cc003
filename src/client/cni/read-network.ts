import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError, messageOf } from '#/base/errors.ts';

export type CniConfig = Readonly<Record<string, unknown>>;

/** A network as its file describes it: the plugins that are asked in turn. */
export interface CniNetwork {
  readonly name: string;
  readonly cniVersion: string;
  readonly plugins: readonly CniConfig[];
}

/** The first file of the directory by name, a list of plugins or a single one, as CNI's other users choose. */
export async function readNetwork(directory: string): Promise<CniNetwork> {
  const names = await readdir(directory).catch(() => []);
  const [first] = names.filter((name) => /\.(?:conflist|conf|json)$/.test(name)).sort();
  if (first === undefined)
    throw new EngineError('not-found', `Cannot set up a network: there is no CNI configuration in "${directory}"`);
  const path = join(directory, first);
  try {
    return parseNetwork(await readFile(path, 'utf8'));
  } catch (error) {
    throw new EngineError('invalid-argument', `Cannot read the network in "${path}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Throws for what is no network. */
export function parseNetwork(text: string): CniNetwork {
  const document = JSON.parse(text) as CniConfig;
  const { name, cniVersion = '0.4.0', plugins = [document] } = document;
  if (typeof name !== 'string' || name === '') throw new Error('it has no "name"');
  if (typeof cniVersion !== 'string') throw new Error('"cniVersion" is no text');
  if (!Array.isArray(plugins) || plugins.length === 0) throw new Error('it lists no plugins');
  return { name, cniVersion, plugins: plugins as readonly CniConfig[] };
}
