/** Measures berth's release bundle against the peers on this machine, in the same run and in turn. */
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { describeMachine } from './machine.ts';
import { openPlace } from './place.ts';
import type { Bench, Line, Row } from './row.ts';
import { commandCpu } from './rows/command-cpu.ts';
import { idleMemory } from './rows/idle-memory.ts';
import { importInMemory, importOnDisk } from './rows/import.ts';
import { importLayers, pullLayers } from './rows/layers.ts';
import { metadataCalls, metadataClients, metadataLists } from './rows/metadata.ts';
import { pullWhileAsked } from './rows/pull-while-asked.ts';
import { runCommand } from './rows/run-command.ts';
import { runContainerdApi } from './rows/run-containerd-api.ts';
import { runDockerApi } from './rows/run-docker-api.ts';
import { runDocker } from './rows/run-docker.ts';
import { shimLife } from './rows/shim-life.ts';
import { shimMemory } from './rows/shim-memory.ts';
import { shimOutput } from './rows/shim-output.ts';
import { formatTable } from './table.ts';

const rows: readonly Row[] = [
  runCommand,
  runDockerApi,
  runContainerdApi,
  importInMemory,
  importOnDisk,
  importLayers,
  pullLayers,
  pullWhileAsked,
  metadataCalls,
  metadataLists,
  metadataClients,
  idleMemory,
  commandCpu,
  runDocker,
  shimLife,
  shimMemory,
  shimOutput,
];

const usage = `Usage: npm run bench -- [--quick] [--row NAME]... [--directory DIR]

  --quick      fewer rounds: for a first look, not for a claim
  --row NAME   this row only; may be given more than once
  --directory  where daemons keep their files (default: ${tmpdir()}); the file system there is part of what is measured

Rows:
${rows.map(({ name, about }) => `  ${name.padEnd(19)} ${about}`).join('\n')}
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      row: { type: 'string', multiple: true, default: [] },
      directory: { type: 'string', default: tmpdir() },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return say(usage);
  const unknown = values.row.find((name) => !rows.some((row) => row.name === name));
  if (unknown !== undefined) {
    process.stderr.write(`Cannot measure "${unknown}": there is no such row\n\n${usage}`);
    process.exitCode = 2;
    return;
  }
  const chosen = rows.filter(({ name }) => values.row.length === 0 || values.row.includes(name));
  const lines: Line[] = [];
  for (const row of chosen) {
    process.stderr.write(`bench: ${row.name}: ${row.about}\n`);
    lines.push(...(await measure(row, values)));
  }
  say(`${await describeMachine(values.directory)}\n${describeRounds(values.quick)}\n\n${formatTable(lines)}\n`);
}

type Effort = Pick<Bench, 'runs' | 'imports' | 'idleSeconds'>;

const thorough: Effort = { runs: { warmups: 3, rounds: 15 }, imports: { warmups: 1, rounds: 5 }, idleSeconds: 60 };
const quick: Effort = { runs: { warmups: 2, rounds: 5 }, imports: { warmups: 0, rounds: 2 }, idleSeconds: 10 };

/** Every row has fresh daemons, in a directory that ends with it. */
async function measure(
  row: Row,
  values: { readonly quick: boolean; readonly directory: string },
): Promise<readonly Line[]> {
  await using place = await openPlace(values.directory);
  return await row.measure({ place, ...(values.quick ? quick : thorough) });
}

function describeRounds(isQuick: boolean): string {
  const { runs, imports } = isQuick ? quick : thorough;
  const count = ({ warmups, rounds }: Effort['runs']): string => `${rounds} rounds after ${warmups} to warm up`;
  return `medians (min–max); runs ${count(runs)}, imports ${count(imports)}; berth and peers by turns`;
}

function say(text: string): void {
  process.stdout.write(text);
}

await main();
