/** Every subcommand of a ctr against the real containerd and against berthd, side by side. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { removeNamedCgroup } from '#/linux/cgroup.ts';
import { startBerthd } from '../../support/berthd.ts';
import { startContainerd } from '../../support/containerd.ts';
import { withChosenShim } from '../../support/test-runtime.ts';
import { startRegistry } from '../../support/registry.ts';
import { mustRun } from '../../support/run-command.ts';
import { writeArchives } from './archives.ts';
import { ctrCases } from './case-table.ts';
import { areAlike, assertAlike } from './compare-transcripts.ts';
import type { Difference, Generation } from './contract.ts';
import { listSubcommands } from './list-subcommands.ts';
import { runCase, transcript, type Side } from './run-case.ts';

export interface Peer {
  readonly client: Generation;
  readonly daemon: Generation;
  readonly ctr: string;
  readonly containerd: string;
  /** Where both daemons look for shims first. */
  readonly directory: string;
}

/**
 * How often a case is tried again: real clients now and then lose the output of what ends at once, and either daemon
 * collects garbage when it suits it. What is truly another shows every time.
 */
const attempts = 2;

const generations: readonly Generation[] = ['1.6', '1.7', '2.x'];

export function compareCtr({ client, daemon, ctr, containerd, directory }: Peer): void {
  const cases = ctrCases.filter(({ since = '1.6' }) => generations.indexOf(since) <= generations.indexOf(client));
  const applies = ({ client: by = client, daemon: from = daemon }: Difference): boolean =>
    by === client && from === daemon;
  const open = new AsyncDisposableStack();
  const used: string[] = [];
  let sides: { readonly real: Side; readonly berth: Side };

  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cases-'));
    open.defer(() => rm(folder, { recursive: true, force: true }));
    open.defer(async () => void (await Promise.all(used.map(removeNamedCgroup))));
    const archives = await writeArchives(folder);
    const registry = open.use(await startRegistry());
    const source = ['--dest-tls-verify=false', `docker-archive:${archives.archive}`];
    await mustRun('skopeo', ['copy', '--quiet', ...source, `docker://${registry.host}/hello:latest`]);
    const path = `${directory}:${process.env['PATH'] ?? ''}`;
    const real = open.use(await startContainerd({ program: containerd, path }));
    const configure = (directory: string): Promise<void> =>
      writeFile(
        join(directory, 'config.toml'),
        `version = 2
[debug]
address = "${directory}/run/debug.sock"
[plugins."io.containerd.internal.v1.opt"]
path = "${directory}/opt"
`,
      );
    const env = { PATH: await withChosenShim(folder, path) };
    const berth = open.use(await startBerthd([], { env, prepare: configure, configured: true }));
    const local = client === '2.x' ? '--local' : '';
    const variables = { ...archives, registry: registry.host, local };
    const mark = Math.random().toString(36).slice(2, 6);
    const common = { program: ctr, path, variables };
    sides = {
      real: { ...real, ...common, prefix: `c${mark}` },
      berth: { ...berth, ...common, debugAddress: join(berth.state, 'debug.sock'), prefix: `b${mark}` },
    };
  });

  after(() => open.disposeAsync());

  test(`every subcommand of ctr ${client} has a case`, async () => {
    const commands = new Set(cases.map(({ command }) => command));
    const missing = (await listSubcommands(ctr)).filter((command) => !commands.has(command));
    assert.deepEqual(missing, []);
  });

  for (const [number, each] of cases.entries())
    test(`ctr ${client} ${each.command} ${each.does}`, async () => {
      const differs = (each.differs ?? []).filter(applies);
      for (let attempt = 0; ; attempt++) {
        const name = `${number}x${attempt}`;
        used.push(sides.real.prefix + name, sides.berth.prefix + name);
        const [real, berth] = await Promise.all([runCase(each, sides.real, name), runCase(each, sides.berth, name)]);
        const pair = { real: transcript(real), berth: transcript(berth) };
        const wrong = real.find(({ code, expected }) => code !== expected);
        if (attempt < attempts && (wrong !== undefined || !areAlike(differs, pair))) continue;
        assert.equal(wrong, undefined, `the case is wrong: "${wrong?.line}" ended with ${wrong?.code}\n${pair.real}`);
        return assertAlike(differs, pair);
      }
    });
}
