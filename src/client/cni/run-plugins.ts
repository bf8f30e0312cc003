import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '#/base/errors.ts';
import { readAll } from '#/client/read-all.ts';
import type { CniConfig, CniNetwork } from '#/client/cni/read-network.ts';

/** Whose network it is. */
export interface CniTarget {
  readonly containerId: string;
  /** `/proc/PID/ns/net`. */
  readonly netns: string;
  readonly pluginDirectories: readonly string[];
}

const interfaceName = 'eth0';
const longestAnswer = 1024 * 1024;

/** Asks each plugin in turn, each being told what the ones before it made; the last one's result. */
export async function addNetwork(network: CniNetwork, target: CniTarget): Promise<CniConfig> {
  let result: CniConfig = {};
  for (const [at, plugin] of network.plugins.entries())
    result = await ask('ADD', { network, plugin, target, before: at === 0 ? undefined : result });
  return result;
}

/** The other way round. What is gone already is fine to the plugins. */
export async function removeNetwork(
  network: CniNetwork,
  target: CniTarget,
  made: CniConfig | undefined,
): Promise<void> {
  for (const plugin of network.plugins.toReversed()) await ask('DEL', { network, plugin, target, before: made });
}

interface Question {
  readonly network: CniNetwork;
  readonly plugin: CniConfig;
  readonly target: CniTarget;
  readonly before: CniConfig | undefined;
}

async function ask(command: 'ADD' | 'DEL', { network, plugin, target, before }: Question): Promise<CniConfig> {
  const type = String(plugin['type']);
  const program = await findPlugin(type, target.pluginDirectories);
  const { name, cniVersion } = network;
  const config = { ...plugin, name, cniVersion, ...(before === undefined ? {} : { prevResult: before }) };
  const child = spawn(program, [], {
    env: {
      ...process.env,
      CNI_COMMAND: command,
      CNI_CONTAINERID: target.containerId,
      CNI_NETNS: target.netns,
      CNI_IFNAME: interfaceName,
      CNI_PATH: target.pluginDirectories.join(':'),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.on('error', () => {});
  child.stdin.end(JSON.stringify(config));
  const [answer, [code]] = await Promise.all([
    readAll(child.stdout as AsyncIterable<Buffer>, longestAnswer),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  const text = answer.toString();
  if (code !== 0)
    throw new EngineError(
      'internal',
      `Cannot ${command === 'ADD' ? 'set up' : 'take down'} network "${name}": ${type} says: ${complaintOf(text)}`,
    );
  return text.trim() === '' ? {} : (JSON.parse(text) as CniConfig);
}

/** Plugins answer with an error document; other programs with whatever they like. */
function complaintOf(text: string): string {
  try {
    const { msg, details } = JSON.parse(text) as { msg?: string; details?: string };
    return [msg, details].filter((part) => part !== undefined && part !== '').join('; ');
  } catch {
    return text.trim() === '' ? 'nothing, but it failed' : text.trim();
  }
}

async function findPlugin(type: string, directories: readonly string[]): Promise<string> {
  if (!/^[\w-]+$/.test(type))
    throw new EngineError('invalid-argument', `Cannot use CNI plugin "${type}": that is no plain name`);
  for (const directory of directories) {
    const path = join(directory, type);
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  throw new EngineError(
    'not-found',
    `Cannot find CNI plugin "${type}" in ${directories.join(', ')}; CNI_PATH names other directories`,
  );
}
