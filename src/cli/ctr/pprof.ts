import { EngineError } from '#/base/errors.ts';
import { exchange } from '#/client/http/exchange.ts';
import { noArguments } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { readDuration } from '#/cli/ctr/read-duration.ts';
import { debugSocketFlags } from '#/cli/ctr/group-flags.ts';
import { number, text, type FlagSpecs } from '#/cli/flags.ts';

const usualSocket = '/run/containerd/debug.sock';

export interface ProfileShape {
  readonly about: string;
  /** Below `/debug/pprof/`. */
  readonly page: string;
  /** Go's `?debug=`, where nothing else is said. */
  readonly debug: number;
  /** How long it is looked at, for those profiles that take time. */
  readonly seconds?: string;
}

/** One of the profiles that a daemon's debug socket has, copied to standard output as it comes. */
export function definePprof({ about, page, debug, seconds }: ProfileShape): CtrCommand {
  const timed: FlagSpecs = { seconds: text('s', 'DURATION', `How long to look (default ${seconds})`) };
  return defineCtr({
    usage: '[OPTIONS]',
    about: `${about}; berthd gives V8's profiles, and has a debug socket where its configuration names one`,
    flags: {
      debug: number('', 'N', `Form of Go's profiles (default ${debug})`),
      ...debugSocketFlags,
      ...(seconds === undefined ? {} : timed),
    },
    arity: noArguments,
    run: async ({ flags, out }) => {
      const given: Readonly<Record<string, unknown>> = flags;
      const asked = typeof given['seconds'] === 'string' ? given['seconds'] : seconds;
      const time = asked === undefined ? [] : [`seconds=${readDuration('--seconds', asked) / 1000}`];
      const query = [...time, `debug=${flags.debug ?? debug}`].join('&');
      const socket = flags['debug-socket'] ?? usualSocket;
      const answer = await exchange(socket, { method: 'GET', path: `/debug/pprof/${page}?${query}` });
      if (answer.status !== 200) {
        answer.close();
        throw new EngineError(
          'unimplemented',
          `Cannot get profile "${page}": the daemon answered with ${answer.status}`,
        );
      }
      for await (const chunk of answer.body) await out.write(chunk);
    },
  });
}
