import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { EngineError } from '#/base/errors.ts';
import { fillTemplate, type TemplateValues } from '#/daemon/fill-template.ts';
import { readInput } from '#/daemon/read-input.ts';

const mostBytes = 16 << 20;

/**
 * `berthd oci-hook`: an OCI runtime runs it with the container's state on standard input. It fills `{{id}}`,
 * `{{bundle}}`, `{{rootfs}}`, `{{pid}}`, `{{status}}` and `{{annotation "key"}}` into arguments and environment, and
 * becomes that program.
 */
export async function runHook(args: readonly string[]): Promise<never> {
  const values = await valuesOf(parseObject((await readInput(mostBytes)).toString(), 'the state of a container'));
  const filled = args.map((text) => fillTemplate(text, values));
  const environment = Object.entries(process.env).map(([name, value = '']) => [name, fillTemplate(value, values)]);
  const [file = ''] = filled;
  process.execve?.(file, filled, Object.fromEntries(environment) as Record<string, string>);
  throw new EngineError('unimplemented', `Cannot become "${file}": this Node has no execve`);
}

type Json = Readonly<Record<string, unknown>>;

async function valuesOf(state: Json): Promise<TemplateValues> {
  const bundle = textOf(state['bundle']);
  const spec = parseObject(await readFile(join(bundle, 'config.json'), 'utf8'), 'config.json');
  const root = textOf(objectOf(spec['root'])['path']);
  const annotations = objectOf(state['annotations']);
  return {
    id: textOf(state['id']),
    bundle,
    rootfs: isAbsolute(root) ? root : join(bundle, root),
    pid: String(typeof state['pid'] === 'number' ? state['pid'] : 0),
    status: textOf(state['status']),
    annotation: (key) => (Object.hasOwn(annotations, key) ? textOf(annotations[key]) : ''),
  };
}

function parseObject(text: string, what: string): Json {
  try {
    return objectOf(JSON.parse(text));
  } catch (cause) {
    throw new EngineError('invalid-argument', `Cannot run a hook: ${what} is no JSON`, { cause });
  }
}

const objectOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
