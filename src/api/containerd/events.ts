import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ContainerdCore } from '#/api/containerd/core.ts';
import { encodeEvent, readEventField } from '#/api/containerd/event-messages.ts';
import { namespaceOf, required } from '#/api/containerd/request-scope.ts';
import { nanosecondsOf, timestampOf } from '#/api/containerd/timestamps.ts';
import type { TypedValue } from '#/base/any.ts';
import type { Nanoseconds } from '#/base/clock.ts';
import { EngineError } from '#/base/errors.ts';
import { checkIdentifier, isIdentifier } from '#/base/identifier.ts';
import type { Envelope } from '#/core/events/contract.ts';
import { parseFilters } from '#/core/metadata/filters.ts';
import { Events as TtrpcEvents } from '#/gen/containerd/services/events/ttrpc/v1/events_pb.ts';
import { Events } from '#/gen/containerd/services/events/v1/events_pb.ts';
import type { Envelope as WireEnvelope, EnvelopeSchema } from '#/gen/containerd/types/event_pb.ts';
import { anyOfValue, valueOfAny } from '#/rpc/any.ts';
import type { BoundService } from '#/rpc/service.ts';
import { bindService } from '#/rpc/service.ts';

/** Publishing and following. Subscribers see all namespaces unless a filter says otherwise. */
export function eventsService({ events }: ContainerdCore): BoundService {
  return bindService(Events, {
    publish({ topic, event }, context) {
      const namespace = namespaceOf(context);
      events.publish(namespace, { topic: checkTopic(topic), foreign: valueOfAny(required('event', event)) });
      return {};
    },
    forward({ envelope }) {
      const { timestamp, namespace, topic, event } = readEnvelope(envelope);
      events.forward({ timestamp, namespace, event: { topic, foreign: event } });
      return {};
    },
    async *subscribe({ filters }, { signal }) {
      const matches = parseFilters(filters);
      for await (const envelope of events.subscribe(signal))
        if (matches((path) => readEventField(envelope, path))) yield wireEnvelope(envelope);
      signal.throwIfAborted();
    },
  });
}

/** What shims hand in over ttrpc: the tasks learn of it first, and publish it then. */
export function shimEventsService(take: (event: HandedIn) => void): BoundService {
  return bindService(TtrpcEvents, {
    forward({ envelope }) {
      take(readEnvelope(envelope));
      return {};
    },
  });
}

/** An event from elsewhere, its parts checked. */
export interface HandedIn {
  readonly timestamp: Nanoseconds;
  readonly namespace: string;
  readonly topic: string;
  readonly event: TypedValue;
}

function readEnvelope(given: WireEnvelope | undefined): HandedIn {
  const envelope = required('envelope', given);
  const timestamp = nanosecondsOf(envelope.timestamp);
  if (timestamp === 0n)
    throw new EngineError('invalid-argument', `Cannot forward an event on "${envelope.topic}": it has no time`);
  return {
    timestamp,
    namespace: checkIdentifier('a namespace', envelope.namespace),
    topic: checkTopic(envelope.topic),
    event: valueOfAny(required('event', envelope.event)),
  };
}

/** A topic is "/" and identifiers between slashes. */
function checkTopic(topic: string): string {
  const [first, ...components] = topic.split('/');
  if (first === '' && components.length > 0 && components.every(isIdentifier)) return topic;
  throw new EngineError(
    'invalid-argument',
    `Cannot publish on topic ${JSON.stringify(topic.slice(0, 200))}: it must be identifiers, each after a "/"`,
  );
}

function wireEnvelope(envelope: Envelope): MessageInitShape<typeof EnvelopeSchema> {
  return {
    timestamp: timestampOf(envelope.timestamp),
    namespace: envelope.namespace,
    topic: envelope.event.topic,
    event: anyOfValue(encodeEvent(envelope.event)),
  };
}
