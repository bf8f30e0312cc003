import { join, resolve } from 'node:path';
import { EngineError } from '#/base/errors.ts';
import { defineCommand, noArguments, type Command } from '#/cli/command.ts';
import { boolean, text } from '#/cli/flags.ts';
import { undo } from '#/cli/install/carry-out.ts';
import { serviceName, socketName } from '#/cli/install/install-plan.ts';
import { findManifest, type Manifest } from '#/cli/install/manifest.ts';
import { runsSystemd, systemctl } from '#/cli/install/systemd.ts';

export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  about: 'Undo what install did; images, containers and their data stay',
  flags: {
    'dry-run': boolean('', 'Show what would be removed, and remove nothing'),
    prefix: text('', 'DIR', 'Uninstall from the tree of another machine'),
  },
  arity: noArguments,
  run: async ({ context, flags }) => {
    const prefix = resolve(flags.prefix ?? '/');
    if (prefix === '/' && process.getuid?.() !== 0)
      throw new EngineError('permission-denied', 'Cannot uninstall berth: that takes root');
    const manifest = await findManifest(prefix);
    if (manifest === undefined) return context.out.line('berth is not installed as a service; nothing was done');
    if (flags['dry-run']) {
      for (const path of pathsOf(manifest)) context.out.line(`would remove ${join(prefix, path)}`);
      return undefined;
    }
    const systemd = await runsSystemd(prefix);
    if (systemd) await stopService(manifest);
    await undo(prefix, manifest, (line) => context.out.line(line));
    if (systemd) await systemctl('daemon-reload');
    else if (prefix === '/') context.out.line('a berthd that runs was not stopped: systemd does not run here');
    return context.out.line('containers that run, and all images and data, were left as they are');
  },
});

/** A union of two plans may name a path twice. */
const pathsOf = ({ things }: Manifest): readonly string[] => [...new Set(things.map(({ path }) => path))].toReversed();

/** After an install that was cut short, the units may not be there. */
async function stopService({ things }: Manifest): Promise<void> {
  const known = new Set(things.map(({ path }) => path.split('/').at(-1)));
  for (const unit of [serviceName, socketName])
    if (known.has(unit)) await systemctl('disable', '--now', unit).catch(() => {});
}
