import { isAbsolute, join, resolve } from 'node:path';
import { EngineError } from '#/base/errors.ts';
import { defineCommand, noArguments, type Command, type Context } from '#/cli/command.ts';
import { boolean, list, text } from '#/cli/flags.ts';
import { carryOut } from '#/cli/install/carry-out.ts';
import { planInstall, serviceName, socketName, type InstallPlan, type Step } from '#/cli/install/install-plan.ts';
import { findObstacles } from '#/cli/install/look-at-places.ts';
import { findManifest, manifestPath } from '#/cli/install/manifest.ts';
import { runsSystemd, systemctl } from '#/cli/install/systemd.ts';
import { findLauncher } from '#/cli/start-daemon.ts';
import { UsageError } from '#/cli/usage-error.ts';

export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  about: 'Make berth a service of this machine, in place of other engines if asked',
  examples: ['berth system install --dry-run', 'berth system install --as containerd,docker', 'berth system uninstall'],
  flags: {
    as: list('', 'NAME', 'Stand in for containerd, docker, nerdctl: their sockets and commands'),
    'dry-run': boolean('', 'Show what would be done, and do nothing'),
    prefix: text('', 'DIR', 'Install into the tree of another machine'),
    'unit-directory': text('', 'DIR', 'Where units go (default "/etc/systemd/system")'),
  },
  arity: noArguments,
  run: async ({ context, flags }) => {
    const prefix = resolve(flags.prefix ?? '/');
    checkRoot(prefix);
    const unitDirectory = absolute('--unit-directory', flags['unit-directory'] ?? '/etc/systemd/system');
    const plan = planInstall({
      programs: resolve(findLauncher(process.argv[1] ?? ''), '..'),
      roles: [...new Set(flags.as.flatMap((names) => names.split(',')))],
      units: unitDirectory,
      ...placesOf(context),
    });
    const before = await findManifest(prefix);
    const obstacles = await findObstacles(prefix, plan, before);
    if (flags['dry-run']) return showPlan(context, { prefix, plan, obstacles });
    if (obstacles.length > 0)
      throw new EngineError('failed-precondition', `Cannot install berth:\n  ${obstacles.join('\n  ')}`);
    await carryOut(prefix, { plan, unitDirectory, before }, (line) => context.out.line(line));
    await startService(context, prefix);
    return 0;
  },
});

function checkRoot(prefix: string): void {
  if (prefix === '/' && process.getuid?.() !== 0)
    throw new EngineError('permission-denied', 'Cannot install berth: that takes root');
}

function absolute(name: string, path: string): string {
  if (isAbsolute(path)) return path;
  throw new UsageError(`"${name}" takes an absolute path, not "${path}"`);
}

function placesOf({ globals, env }: Context): { readonly state: string; readonly root: string | undefined } {
  if (globals.host !== undefined || globals.namespace !== undefined)
    throw new UsageError('an installation is of no namespace, and "--state" says where its sockets are');
  const root = env['BERTH_ROOT'] ?? '';
  return {
    state: absolute('--state', globals.state ?? (env['BERTH_STATE'] || '/run/berth')),
    root: root === '' ? undefined : absolute('BERTH_ROOT', root),
  };
}

interface Shown {
  readonly prefix: string;
  readonly plan: InstallPlan;
  readonly obstacles: readonly string[];
}

function showPlan({ out }: Context, { prefix, plan: { steps, sockets }, obstacles }: Shown): number {
  for (const step of steps) out.text(describeStep(prefix, step));
  out.line(`would listen on:\n${sockets.map((path) => `    ${path}`).join('\n')}`);
  if (obstacles.length === 0) return 0;
  out.line(`but this is in the way:\n${obstacles.map((obstacle) => `    ${obstacle}`).join('\n')}`);
  return 1;
}

function describeStep(prefix: string, step: Step): string {
  const place = join(prefix, step.path);
  if (step.kind === 'link') return `would link ${place} -> ${step.target}\n`;
  return `would write ${place}:\n${step.content.replace(/^/gm, '    ').trimEnd()}\n`;
}

async function startService({ out }: Context, prefix: string): Promise<void> {
  out.line(`what was done is recorded in ${manifestPath(prefix)}`);
  if (await runsSystemd(prefix)) {
    await systemctl('daemon-reload');
    await systemctl('enable', '--now', socketName, serviceName);
    return out.line('berthd runs, and will after a reboot');
  }
  out.line(
    prefix === '/'
      ? 'systemd does not run here, so nothing was started or enabled; start berthd with "berthd"'
      : `nothing was started; in that machine, run "systemctl enable --now ${serviceName}"`,
  );
}
