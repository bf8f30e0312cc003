import { readFile } from 'node:fs/promises';
import { messageOf } from '#/base/errors.ts';
import { UsageError } from '#/cli/usage-error.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** `-e`: `KEY=value`, or `KEY` alone to pass on our own value (nothing when we have none). Throws UsageError. */
export function readVariables(words: readonly string[], env: Environment): string[] {
  return words.flatMap((word) => {
    const [name = ''] = word.split('=', 1);
    if (name === '') throw new UsageError(`${JSON.stringify(word)} is no variable: expected KEY=value or KEY`);
    if (word.includes('=')) return [word];
    const value = env[name];
    return value === undefined ? [] : [`${name}=${value}`];
  });
}

/** The lines of an env file: blank ones and comments (`#`) are left out. */
export function parseVariablesFile(path: string, content: string, env: Environment): string[] {
  const lines = content.replace(/^\uFEFF/, '').split('\n');
  return lines.flatMap((raw, at) => {
    const line = raw.replace(/\r$/, '').trimStart();
    if (line === '' || line.startsWith('#')) return [];
    const [name = ''] = line.split('=', 1);
    if (name === '' || /\s/.test(name))
      throw new UsageError(`line ${at + 1} of "${path}" has ${JSON.stringify(name)} for a name: names have no spaces`);
    return readVariables([line], env);
  });
}

const largestFile = 4 * 1024 * 1024;

export async function readVariablesFiles(paths: readonly string[], env: Environment): Promise<string[]> {
  const files = await Promise.all(
    paths.map(async (path) => {
      const content = await readTextFile(path);
      return parseVariablesFile(path, content, env);
    }),
  );
  return files.flat();
}

async function readTextFile(path: string): Promise<string> {
  try {
    const content = await readFile(path);
    if (content.length > largestFile) throw new Error(`it is larger than ${largestFile} bytes`);
    return content.toString();
  } catch (error) {
    throw new UsageError(`Cannot read "${path}": ${messageOf(error)}`);
  }
}

/** `-l key=value`; a key alone has an empty value. A later one wins. */
export function readLabels(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const equals = word.indexOf('=');
      const key = equals < 0 ? word : word.slice(0, equals);
      if (key === '') throw new UsageError(`${JSON.stringify(word)} is no label: expected key=value`);
      return [key, equals < 0 ? '' : word.slice(equals + 1)];
    }),
  );
}

/** `-f key=value` filters, gathered by key as the API wants them. */
export function readFilters(words: readonly string[]): Record<string, string[]> {
  const filters: Record<string, string[]> = {};
  for (const word of words) {
    const equals = word.indexOf('=');
    if (equals <= 0) throw new UsageError(`${JSON.stringify(word)} is no filter: expected name=value`);
    const key = word.slice(0, equals).trim().toLowerCase();
    (filters[key] ??= []).push(word.slice(equals + 1).trim());
  }
  return filters;
}
