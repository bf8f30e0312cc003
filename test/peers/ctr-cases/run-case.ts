/** One case on one side: what every step printed and how it ended, with what differs from run to run masked. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../../support/run-command.ts';
import type { CtrCase } from './contract.ts';
import { maskOutput } from './mask-output.ts';

export interface Side {
  readonly program: string;
  readonly address: string;
  readonly debugAddress: string;
  /** The daemon's own, for the mask and for scratch. */
  readonly directory: string;
  /** Goes before the names of namespaces, so that two sides do not meet in a cgroup. */
  readonly prefix: string;
  readonly path: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Functions of shell that the side's cases may use. */
  readonly functions?: string;
}

export interface StepResult {
  readonly line: string;
  readonly code: number | null;
  readonly expected: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `collect` has the garbage collected before it goes on. */
const prelude = `ctr() { "$program" --address "$address" --namespace "$ns" "$@"; }
collect() { ctr leases create --id collect >/dev/null && ctr leases rm --sync collect >/dev/null; }
`;

export async function runCase({ steps }: CtrCase, side: Side, name: string): Promise<StepResult[]> {
  const ns = `${side.prefix}${name}`;
  const dir = join(side.directory, `case-${name}`);
  await mkdir(dir);
  const { program, address, debugAddress, path } = side;
  const image = 'docker.io/library/hello:latest';
  const quiet = { CONTAINERD_SUPPRESS_DEPRECATION_WARNINGS: '1' };
  const env = { ...quiet, program, address, debug: debugAddress, PATH: path, ns, dir, image, ...side.variables };
  const results: StepResult[] = [];
  for (const step of steps) {
    const { run, code: expected = 0 } = typeof step === 'string' ? { run: step } : step;
    const { code, stdout, stderr } = await runCommand('sh', ['-c', prelude + (side.functions ?? '') + run], {
      env,
      cwd: dir,
    });
    const mask = (text: string): string => maskOutput(text, { ns, dir, side });
    results.push({ line: run, code, expected, stdout: mask(stdout), stderr: mask(stderr) });
  }
  return results;
}

export const transcript = (results: readonly StepResult[]): string =>
  results
    .map(
      ({ line, code, stdout, stderr }) => `$ ${line}\n${stdout}${stderr === '' ? '' : `stderr: ${stderr}`}[${code}]\n`,
    )
    .join('\n');
