import { EngineError } from '#/base/errors.ts';
import type { ProxyPlugin } from '#/daemon/proxy-plugins.ts';
import { openRemoteDiffer, type RemoteDiffer } from '#/remote/remote-differ.ts';

export interface DifferParts {
  readonly proxyPlugins: readonly ProxyPlugin[];
  /** Names in the order in which they are asked; `walking` is ours. */
  readonly order: readonly string[];
}

/** Throws `invalid-argument` for a name that nobody has. */
export function openDiffers(
  stack: AsyncDisposableStack,
  { proxyPlugins, order }: DifferParts,
): ('walking' | RemoteDiffer)[] {
  const proxies = new Map(proxyPlugins.filter(({ kind }) => kind === 'diff').map((proxy) => [proxy.name, proxy]));
  return order.map((name) => {
    if (name === 'walking') return name;
    const proxy = proxies.get(name);
    if (proxy !== undefined) return stack.use(openRemoteDiffer(proxy));
    throw new EngineError(
      'invalid-argument',
      `Cannot use differ "${name}" of the configuration: it is neither "walking" nor a proxy plugin of type "diff"`,
    );
  });
}
