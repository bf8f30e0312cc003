const proxied = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGCONT', 'SIGALRM'] as const;
const fatal = { SIGHUP: 1, SIGTERM: 15, SIGINT: 2 } as const;

/** Passes our signals on instead of dying of them, until disposed. */
export function proxySignals(send: (signal: string) => Promise<void>): Disposable {
  const listeners = proxied.map((signal) => {
    const listener = (): void => {
      // A container that has just ended cannot take a signal; how it ended is told by its exit code.
      send(signal.slice(3)).catch(() => {});
    };
    process.on(signal, listener);
    return { signal, listener };
  });
  return {
    [Symbol.dispose]: () => {
      for (const { signal, listener } of listeners) process.off(signal, listener);
    },
  };
}

/** Leaves by way of `exit` handlers on signals that would end us, so that the terminal is given back. */
export function exitOnSignals(): Disposable {
  const listeners = (Object.keys(fatal) as (keyof typeof fatal)[]).map((signal) => {
    const listener = (): void => process.exit(128 + fatal[signal]);
    process.on(signal, listener);
    return { signal, listener };
  });
  return {
    [Symbol.dispose]: () => {
      for (const { signal, listener } of listeners) process.off(signal, listener);
    },
  };
}
