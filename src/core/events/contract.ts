/**
 * Events: what happened, told to whoever listens. They never drive the next step of a story.
 *
 * An event is published only after the change it tells of is durable. Publishing never waits for a subscriber: each has
 * a queue with a limit, and one that falls behind it is dropped with an error instead of slowing the rest.
 */
import type { Labels, TypedValue } from '#/base/any.ts';
import type { Nanoseconds } from '#/base/clock.ts';
import type { Digest } from '#/oci/digest.ts';

/**
 * Topics and fields are those of the `containerd.events` messages. `original` is the message as a shim sent it, so that
 * a wire face can pass it on whole; berth's own task events have none.
 */
export type CoreEvent =
  | { readonly topic: '/namespaces/create' | '/namespaces/update'; readonly name: string; readonly labels: Labels }
  | { readonly topic: '/namespaces/delete'; readonly name: string }
  | { readonly topic: '/images/create' | '/images/update'; readonly name: string; readonly labels: Labels }
  | { readonly topic: '/images/delete'; readonly name: string }
  | { readonly topic: '/content/create'; readonly digest: Digest; readonly size: number }
  | { readonly topic: '/content/delete'; readonly digest: Digest }
  | {
      readonly topic: '/containers/create';
      readonly id: string;
      readonly image: string;
      readonly runtime: { readonly name: string; readonly options?: TypedValue };
    }
  | {
      readonly topic: '/containers/update';
      readonly id: string;
      readonly image: string;
      readonly labels: Labels;
      readonly snapshotKey: string;
    }
  | { readonly topic: '/containers/delete'; readonly id: string }
  | { readonly topic: '/snapshot/prepare'; readonly key: string; readonly parent: string; readonly snapshotter: string }
  | { readonly topic: '/snapshot/commit'; readonly key: string; readonly name: string; readonly snapshotter: string }
  | { readonly topic: '/snapshot/remove'; readonly key: string; readonly snapshotter: string }
  | {
      readonly topic: '/tasks/create';
      readonly containerId: string;
      readonly bundle: string;
      readonly pid: number;
      readonly original?: TypedValue;
    }
  | {
      readonly topic: '/tasks/start';
      readonly containerId: string;
      readonly pid: number;
      readonly original?: TypedValue;
    }
  | {
      readonly topic: '/tasks/exec-added';
      readonly containerId: string;
      readonly execId: string;
      readonly original?: TypedValue;
    }
  | {
      readonly topic: '/tasks/exec-started';
      readonly containerId: string;
      readonly execId: string;
      readonly pid: number;
      readonly original?: TypedValue;
    }
  | {
      readonly topic: '/tasks/exit';
      readonly containerId: string;
      /** The container's id for its first process, else the exec id. */
      readonly id: string;
      readonly pid: number;
      readonly exitStatus: number;
      readonly exitedAt: Nanoseconds;
      readonly original?: TypedValue;
    }
  | {
      readonly topic: '/tasks/delete';
      readonly containerId: string;
      readonly id: string;
      readonly pid: number;
      readonly exitStatus: number;
      readonly exitedAt: Nanoseconds;
      readonly original?: TypedValue;
    }
  | {
      readonly topic: '/tasks/oom' | '/tasks/paused' | '/tasks/resumed' | '/tasks/checkpointed';
      readonly containerId: string;
      readonly original?: TypedValue;
    };

export type CoreTopic = CoreEvent['topic'];

/** An event whose payload berth does not know: published by a client, passed on byte-identical. */
export interface ForeignEvent {
  readonly topic: string;
  readonly foreign: TypedValue;
}

export interface Envelope {
  readonly timestamp: Nanoseconds;
  readonly namespace: string;
  readonly event: CoreEvent | ForeignEvent;
}

export interface Events {
  /** Stamps and delivers to every present subscriber; never blocks, never throws. */
  publish(namespace: string, event: CoreEvent | ForeignEvent): void;
  /** Delivers an event that happened elsewhere at its own time (a shim's, a client's Forward). */
  forward(envelope: Envelope): void;
  /** All envelopes from now on. Ends when `signal` aborts; throws `resource-exhausted` when the reader falls behind. */
  subscribe(signal: AbortSignal): AsyncIterable<Envelope>;
  /** The envelopes of `since` and later among the last thousand, in the order in which they were delivered. */
  history(since: Nanoseconds): Envelope[];
}
