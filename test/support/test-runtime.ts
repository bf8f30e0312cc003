/**
 * The shim that a suite is run with: `BERTH_TEST_RUNTIME`, else berth's default. It is `io.containerd.runc.v2`,
 * `io.containerd.berth.v1`, or the name of an OCI runtime such as `runsc`, which the default shim then runs.
 */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { berthRuntime, defaultRuntime } from '#/oci/runtime-names.ts';

const wanted = process.env['BERTH_TEST_RUNTIME'] ?? '';

/** What a berthd is started with so that its containers run by that shim. */
export interface RuntimeChoice {
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Writes what is needed into the directory of a daemon; nothing when no shim was chosen. */
export async function chooseRuntime(directory: string): Promise<RuntimeChoice> {
  if (wanted === '') return { flags: [], env: {} };
  const config = join(directory, 'runtime.toml');
  await writeFile(config, wanted.includes('.') ? namedShim(wanted) : namedProgram(wanted));
  return { flags: ['--config', config], env: { PATH: await withChosenShim(directory, process.env['PATH'] ?? '') } };
}

const namedShim = (shim: string): string =>
  `version = 3\n[berth]\nruntime = "${shim}"\n${runtimeSection('runc', shim, 'runc')}`;

const namedProgram = (program: string): string =>
  `version = 3\n[berth]\nruntime = "${program}"\n${runtimeSection(program, defaultRuntime, program)}`;

const runtimeSection = (name: string, shim: string, program: string): string =>
  `[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.${name}]
runtime_type = "${shim}"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.${name}.options]
BinaryName = "${wrapped(program)}"
`;

const wrapped = (program: string): string => (program === 'runsc' ? resolve(import.meta.dirname, 'runsc') : program);

/** Where ours was chosen, clients that name containerd's shim get it too: what is found first on PATH is a link to it. */
export async function withChosenShim(directory: string, path: string): Promise<string> {
  if (wanted !== berthRuntime) return path;
  const bin = join(directory, 'bin');
  await mkdir(bin, { recursive: true });
  const link = join(bin, 'containerd-shim-runc-v2');
  await symlink(resolve(import.meta.dirname, '../../build/containerd-shim-berth-v1'), link);
  return `${bin}:${path}`;
}
