import { between, defineCommand, type Command } from '#/cli/command.ts';
import { text } from '#/cli/flags.ts';
import { UsageError } from '#/cli/usage-error.ts';

/** Docker's API knows no namespaces, so this goes the way of `berth ctr`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] IMAGE [NAME]',
  about: 'Give an image to another namespace, such as Kubernetes’ own, without moving its bytes',
  examples: ['berth image share web:1 --to k8s.io', 'berth -n k8s.io image share web:1 --to default'],
  flags: { to: text('', 'NAMESPACE', 'Namespace that gets it') },
  arity: between(1, 2),
  run: async ({ context: { env, globals }, flags: { to }, args }) => {
    if (to === undefined) throw new UsageError('say which namespace gets it: --to NAMESPACE', 1);
    const { host, namespace, state } = globals;
    if (host !== undefined) throw new UsageError('"--host" names a Docker socket; give "--state" instead', 1);
    const { runCtr } = await import('#/cli/ctr/run-ctr.ts');
    return await runCtr({ words: ['images', 'share', '--to', to, '--', ...args], env, outer: { namespace, state } });
  },
});
