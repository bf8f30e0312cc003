import { glob, readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { errnoOf, EngineError } from '#/base/errors.ts';
import { mergeDocuments } from '#/daemon/config/merge-documents.ts';
import { migrate, versionOf } from '#/daemon/config/migrate.ts';
import { mistake } from '#/daemon/config/parsers.ts';
import { newestVersion } from '#/daemon/config/schema-tree.ts';
import { omitKeys, parseToml, type TomlTable } from '#/daemon/config/toml.ts';

export interface LoadedDocument {
  /** Of the newest version, with all imports in it. */
  readonly document: TomlTable;
  readonly files: readonly { readonly path: string; readonly version: number }[];
  /** Files that an `imports` names and that are not there. */
  readonly missing: readonly string[];
}

const mostFiles = 1000;
const mostBytes = 4 << 20;

export interface LoadOptions {
  /** Nobody asked for the file by name: it may be missing. */
  readonly optional?: boolean;
  /** Patterns of files that are read besides. */
  readonly dropIns?: readonly string[];
  /** False: without what it imports. */
  readonly follow?: boolean;
}

/**
 * Reads a configuration with what it imports, each file once, the later over the earlier ones.
 */
export async function loadDocument(
  path: string,
  { optional = false, dropIns = [], follow = true }: LoadOptions = {},
): Promise<LoadedDocument> {
  const pending = [path, ...(await Promise.all(dropIns.map((pattern) => resolveImport(path, pattern)))).flat()];
  const files = new Map<string, number>();
  const missing: string[] = [];
  let document: TomlTable = { version: newestVersion };
  for (let file = pending.shift(); file !== undefined; file = pending.shift()) {
    if (files.has(file)) continue;
    if (files.size >= mostFiles)
      throw new EngineError(
        'invalid-argument',
        `Cannot read configuration "${path}": it imports over ${mostFiles} files`,
      );
    const source = await readSource(file, file === path && !optional);
    if (source === undefined) {
      if (file !== path) missing.push(file);
      continue;
    }
    const read = parseToml(source, file);
    files.set(file, versionOf(read));
    document = mergeDocuments(document, omitKeys(migrate(read), ['version']));
    if (follow) for (const pattern of importsOf(read)) pending.push(...(await resolveImport(file, pattern)));
  }
  return { document, files: [...files].map(([path, version]) => ({ path, version })), missing };
}

async function readSource(path: string, required: boolean): Promise<string | undefined> {
  try {
    const { size } = await stat(path);
    if (size > mostBytes)
      throw new EngineError('invalid-argument', `Cannot read configuration "${path}": it has over ${mostBytes} bytes`);
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof EngineError) throw error;
    if (errnoOf(error) === 'ENOENT') {
      if (!required) return undefined;
      const way = 'there is no such file; "berthd config default" prints one to begin with';
      throw new EngineError('invalid-argument', `Cannot read configuration "${path}": ${way}`);
    }
    throw new EngineError('invalid-argument', `Cannot read configuration "${path}"`, { cause: error });
  }
}

function importsOf({ imports = [] }: TomlTable): readonly string[] {
  if (Array.isArray(imports) && imports.every((item) => typeof item === 'string')) return imports;
  return mistake('imports', 'a list of paths', imports);
}

/** Only "*" makes a pattern of a path; its matches come in the order of their names. */
async function resolveImport(parent: string, pattern: string): Promise<readonly string[]> {
  const path = normalize(isAbsolute(pattern) ? pattern : join(dirname(parent), pattern));
  if (!path.includes('*')) return [path];
  // Node's glob costs a megabyte once it is loaded, and most machines have no drop-ins.
  if (!(await isThere(dirname(path.slice(0, path.indexOf('*')).concat('x'))))) return [];
  const found: string[] = [];
  for await (const match of glob(path)) found.push(match);
  return found.sort();
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
