/** The command line itself is wrong: shown with a pointer to help, and nothing was done. */
export class UsageError extends Error {
  /** 125 for flags, as docker has it, so that scripts can tell it from a container's own code. */
  readonly exitCode: number;

  constructor(message: string, exitCode = 125) {
    super(message);
    this.name = 'UsageError';
    this.exitCode = exitCode;
  }
}
