import { EngineError } from '#/base/errors.ts';
import { atLeast, defineCommand, type Command } from '#/cli/command.ts';
import { eachName } from '#/cli/each-name.ts';

export const command: Command = defineCommand({
  usage: 'CONTAINER [CONTAINER...]',
  about: 'Wait for containers to stop, then print their exit codes',
  flags: {},
  arity: atLeast(1),
  run: async ({ context, args }) => {
    const client = await context.connect();
    return eachName(context, args, async (name) => {
      const waiting = await client.containers.wait(name);
      const { StatusCode: code, Error: failure } = await waiting.result;
      const message = failure?.Message ?? '';
      if (message !== '') throw new EngineError('unknown', `Cannot wait for container "${name}": ${message}`);
      return String(code);
    });
  },
});
