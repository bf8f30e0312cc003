import { EngineError } from '#/base/errors.ts';
import type { Logger } from '#/base/log.ts';

/** A part of the daemon that another process does, spoken to over gRPC. */
export interface ProxyPlugin {
  readonly name: string;
  readonly kind: ProxyKind;
  /** A unix socket. */
  readonly address: string;
  /** '' for this machine's. */
  readonly platform: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
}

export type ProxyKind = 'snapshot' | 'content' | 'diff' | 'sandbox';

/** `[proxy_plugins.<name>]` as it is written. */
export interface ProxySection {
  readonly type: string;
  readonly address: string;
  readonly platform: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
}

const kinds: Readonly<Record<string, ProxyKind>> = {
  snapshot: 'snapshot',
  'io.containerd.snapshotter.v1': 'snapshot',
  content: 'content',
  'io.containerd.content.v1': 'content',
  diff: 'diff',
  'io.containerd.differ.v1': 'diff',
  sandbox: 'sandbox',
  'io.containerd.sandbox.controller.v1': 'sandbox',
};

/** Throws `invalid-argument` with the name of a plugin whose type or address cannot be. */
export function readProxyPlugins(sections: Readonly<Record<string, ProxySection>>): ProxyPlugin[] {
  return Object.entries(sections).map(([name, { type, address, ...rest }]) => {
    const kind = Object.hasOwn(kinds, type) ? kinds[type] : undefined;
    if (kind === undefined)
      throw mistake(name, `its type is none of "snapshot", "content", "diff", "sandbox", but "${type}"`);
    if (address === '') throw mistake(name, 'it has no address, which is the path of a unix socket');
    return { name, kind, address, ...rest };
  });
}

/** What is configured and nobody asks is named, so that nobody takes it for used. */
export function noteUnused(plugins: readonly ProxyPlugin[], logger: Logger): void {
  for (const { name, kind } of plugins)
    if (kind === 'content' || kind === 'sandbox')
      logger.warn('a proxy plugin is not used: berth keeps content and runs sandboxes itself', { name, type: kind });
}

const mistake = (name: string, why: string): EngineError =>
  new EngineError('invalid-argument', `Cannot use proxy plugin "${name}" of the configuration: ${why}`);
