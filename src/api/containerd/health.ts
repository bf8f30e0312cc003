import { EngineError } from '#/base/errors.ts';
import { Health, HealthCheckResponse_ServingStatus as ServingStatus } from '#/gen/grpc/health/v1/health_pb.ts';
import type { BoundService } from '#/rpc/service.ts';
import { bindService } from '#/rpc/service.ts';

/** Says that the daemon serves: a client that gets an answer at all has it from a daemon that is up. */
export function healthService(): BoundService {
  return bindService(Health, {
    check({ service }) {
      if (service !== '')
        throw new EngineError('not-found', `Cannot check "${service}": only the whole daemon is checked`);
      return { status: ServingStatus.SERVING };
    },
    async *watch({ service }, { signal }) {
      yield { status: service === '' ? ServingStatus.SERVING : ServingStatus.SERVICE_UNKNOWN };
      await new Promise<never>((_resolve, reject) => {
        if (signal.aborted) reject(signal.reason);
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    },
  });
}
