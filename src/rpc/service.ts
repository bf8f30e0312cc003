/**
 * Services without a transport: plain objects of functions, one per method, bound to a protobuf-es descriptor. Requests
 * and answers that stream are async iterables. gRPC and ttrpc servers both run them.
 */
import type { DescMessage, DescMethod, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf';

/** What a method knows about its call beyond the request. */
export interface CallContext {
  /** `package.Service/Method`. */
  readonly method: string;
  /** The first value of a metadata key, lower case; undefined when the caller sent none. */
  header(key: string): string | undefined;
  /** Aborts when the caller has gone, its deadline has passed, or the server stops. The reason is an EngineError. */
  readonly signal: AbortSignal;
}

export type UnaryFunction<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  context: CallContext,
) => Promise<MessageInitShape<O>> | MessageInitShape<O>;

export type ServerStreamFunction<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  context: CallContext,
) => AsyncIterable<MessageInitShape<O>>;

export type ClientStreamFunction<I extends DescMessage, O extends DescMessage> = (
  requests: AsyncIterable<MessageShape<I>>,
  context: CallContext,
) => Promise<MessageInitShape<O>>;

export type BidiFunction<I extends DescMessage, O extends DescMessage> = (
  requests: AsyncIterable<MessageShape<I>>,
  context: CallContext,
) => AsyncIterable<MessageInitShape<O>>;

type Input<M> = M extends { readonly input: infer I extends DescMessage } ? I : never;
type Output<M> = M extends { readonly output: infer O extends DescMessage } ? O : never;

export type MethodFunction<M> = M extends { readonly methodKind: 'unary' }
  ? UnaryFunction<Input<M>, Output<M>>
  : M extends { readonly methodKind: 'server_streaming' }
    ? ServerStreamFunction<Input<M>, Output<M>>
    : M extends { readonly methodKind: 'client_streaming' }
      ? ClientStreamFunction<Input<M>, Output<M>>
      : M extends { readonly methodKind: 'bidi_streaming' }
        ? BidiFunction<Input<M>, Output<M>>
        : never;

export type ServiceFunctions<S extends DescService> = {
  readonly [K in keyof S['method']]: MethodFunction<S['method'][K]>;
};

/** One method ready to be called, its types erased: the descriptor says how to decode and encode. */
export type BoundMethod =
  | { readonly kind: 'unary'; readonly desc: DescMethod; readonly run: UnaryFunction<DescMessage, DescMessage> }
  | {
      readonly kind: 'server_streaming';
      readonly desc: DescMethod;
      readonly run: ServerStreamFunction<DescMessage, DescMessage>;
    }
  | {
      readonly kind: 'client_streaming';
      readonly desc: DescMethod;
      readonly run: ClientStreamFunction<DescMessage, DescMessage>;
    }
  | {
      readonly kind: 'bidi_streaming';
      readonly desc: DescMethod;
      readonly run: BidiFunction<DescMessage, DescMessage>;
    };

/** `package.Service/Method` → method. */
export type MethodTable = ReadonlyMap<string, BoundMethod>;

export interface BoundService {
  readonly desc: DescService;
  readonly methods: readonly BoundMethod[];
}

/** Binds functions to a service. Methods left out answer `unimplemented`, which clients take as "use the fallback". */
export function bindService<S extends DescService>(desc: S, functions: Partial<ServiceFunctions<S>>): BoundService {
  const byName: Readonly<Record<string, unknown>> = functions;
  const methods = desc.methods.flatMap((method): BoundMethod[] => {
    const run = byName[method.localName];
    // The types above tie each function to its method's kind; the table forgets them.
    return run === undefined ? [] : [{ kind: method.methodKind, desc: method, run } as BoundMethod];
  });
  return { desc, methods };
}

export function methodTable(services: readonly BoundService[]): MethodTable {
  return new Map(
    services.flatMap(({ desc, methods }) =>
      methods.map((method) => [`${desc.typeName}/${method.desc.name}`, method] as const),
    ),
  );
}
