import type { Call } from '#/api/docker/call.ts';

const raw = 'application/vnd.docker.raw-stream';
const multiplexed = 'application/vnd.docker.multiplexed-stream';
const firstToTell = 42;

/** Since API 1.42 the content type tells whether the stream has frames. */
export function streamTypeOf({ minor }: Pick<Call, 'minor'>, tty: boolean): string {
  return tty || minor < firstToTell ? raw : multiplexed;
}
