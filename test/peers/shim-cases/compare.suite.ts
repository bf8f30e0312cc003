/** berth's shim under a stock containerd, against the shim that the containerd came with: both do the same, side by side. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { newToken } from '#/base/ids.ts';
import { removeNamedCgroup } from '#/linux/cgroup.ts';
import { berthRuntime, runcRuntime } from '#/oci/runtime-names.ts';
import { startContainerd } from '../../support/containerd.ts';
import { writeArchives } from '../ctr-cases/archives.ts';
import { areAlike, assertAlike } from '../ctr-cases/compare-transcripts.ts';
import type { Difference, Generation } from '../ctr-cases/contract.ts';
import { runCase, transcript, type Side, type StepResult } from '../ctr-cases/run-case.ts';
import { shimCases } from './case-table.ts';
import { shellFunctions } from './shell-functions.ts';

export interface StockContainerd {
  readonly generation: Generation;
  readonly ctr: string;
  readonly containerd: string;
  /** Where it finds its own shim. */
  readonly directory: string;
}

/** `BERTH_TEST_RUNTIME=io.containerd.runc.v2` compares that shim with itself, which tells whether the cases are right. */
const wanted = process.env['BERTH_TEST_RUNTIME'] ?? berthRuntime;
const build = resolve(import.meta.dirname, '../../../build');
const program = join(build, 'containerd-shim-berth-v1');

/** As in the cases of ctr: what ends at once loses output now and then, whichever shim it has. */
const attempts = 2;

const generations: readonly Generation[] = ['1.6', '1.7', '2.x'];

export function compareShims({ generation, ctr, containerd, directory }: StockContainerd): void {
  const cases = shimCases.filter(({ since = '1.6' }) => generations.indexOf(since) <= generations.indexOf(generation));
  const applies = ({ daemon = generation, client = generation }: Difference): boolean =>
    daemon === generation && client === generation && wanted === berthRuntime;
  const open = new AsyncDisposableStack();
  const used: string[] = [];
  let sides: { readonly real: Side; readonly berth: Side };

  before(async () => {
    assert(wanted !== berthRuntime || existsSync(program), `"${program}" is not built: make -C native all`);
    const folder = await mkdtemp(join(tmpdir(), 'shims-'));
    open.defer(() => rm(folder, { recursive: true, force: true }));
    open.defer(async () => void (await Promise.all(used.map(removeNamedCgroup))));
    const archives = await writeArchives(folder);
    const path = `${directory}:${process.env['PATH'] ?? ''}`;
    const ownPath = wanted === berthRuntime ? `${await shadowForeignShim(folder)}:${build}:${path}` : path;
    const mark = newToken(3);
    const openSide = async (runtime: string, shims: string, prefix: string): Promise<Side> => {
      const daemon = open.use(await startContainerd({ program: containerd, path: shims }));
      const state = dirname(daemon.address);
      const local = generation === '2.x' ? '--local' : '';
      const variables = { ...archives, local, state, runtime, run: `run --runtime ${runtime}` };
      return { ...daemon, program: ctr, path, prefix, variables, functions: shellFunctions };
    };
    sides = {
      real: await openSide(runcRuntime, path, `g${mark}`),
      berth: await openSide(wanted, ownPath, `o${mark}`),
    };
  });

  after(() => open.disposeAsync());

  for (const [number, each] of cases.entries())
    test(`containerd ${generation}: ${each.command} ${each.does}`, async () => {
      const differs = (each.differs ?? []).filter(applies);
      for (let attempt = 0; ; attempt++) {
        const name = `${number}x${attempt}`;
        used.push(sides.real.prefix + name, sides.berth.prefix + name);
        const [real, berth] = await Promise.all([runCase(each, sides.real, name), runCase(each, sides.berth, name)]);
        const [left, right] = [real, berth].map((results) => transcript(masked(results, generation)));
        const pair = { real: left ?? '', berth: right ?? '' };
        const wrong = real.find(({ code, expected }) => code !== expected);
        if (attempt < attempts && (wrong !== undefined || !areAlike(differs, pair))) continue;
        assert.equal(wrong, undefined, `the case is wrong: "${wrong?.line}" ended with ${wrong?.code}\n${pair.real}`);
        return assertAlike(differs, pair);
      }
    });
}

/** ctr takes flags such as `--runc-binary` for containerd's own runtime only: by that name too it finds ours. */
async function shadowForeignShim(folder: string): Promise<string> {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await symlink(program, join(bin, 'containerd-shim-runc-v2'));
  return bin;
}

const names: readonly (readonly [RegExp, string])[] = [
  [/io\.containerd\.(runc\.v2|berth\.v1)/g, '<runtime>'],
  [/containerd-shim-(runc-v2|berth-v1)/g, '<shim program>'],
  // A list of one error, as Go prints it.
  [/^ctr: .*:\n \* .*\n\n?: (\w+)$/gm, 'ctr: …: $1'],
  [/\/run\/containerd\/fifo\/\d+\//g, '<fifos>/'],
];

/** The current ctr does not print of what kind an error is, which is what clients go by; of its words nothing is left. */
const words: Readonly<Partial<Record<Generation, readonly [RegExp, string]>>> = {
  '2.x': [/^ctr: .*(\n \* .*\n)?/gm, 'ctr: …'],
};

const masked = (results: readonly StepResult[], generation: Generation): StepResult[] => {
  const own = words[generation];
  const masks = own === undefined ? names : [...names, own];
  const mask = (text: string): string => masks.reduce((left, [pattern, name]) => left.replaceAll(pattern, name), text);
  return results.map((result) => ({ ...result, stdout: mask(result.stdout), stderr: mask(result.stderr) }));
};
