/** What a case of a ctr subcommand is. */

export type Generation = '1.6' | '1.7' | '2.x';

/** A shell line in which `ctr` is the real client, talking to the side's daemon in a namespace of the case's own. */
export interface Step {
  readonly run: string;
  /** The exit code on the real containerd; 0 unless said, so that a case that goes wrong by itself is seen. */
  readonly code?: number;
}

/** Where berth is another on purpose. Both transcripts lose what matches, and a match there must be. */
export interface Difference {
  readonly why: string;
  /** Only from that containerd, or only by that ctr. */
  readonly daemon?: Generation;
  readonly client?: Generation;
  readonly pattern: RegExp;
}

/**
 * Lines may use `$image` (after an import of `$archive`), `$layers` and `$multi` (archives of images of three layers and
 * of two platforms), `$registry`, `$dir` (empty, of this side), `$ns`, `$address`, `$debug`.
 */
export interface CtrCase {
  /** As `ctr --help` spells it, such as "images pull"; each must have a case. */
  readonly command: string;
  readonly does: string;
  readonly steps: readonly (string | Step)[];
  /** The first client that has it. */
  readonly since?: Generation;
  readonly differs?: readonly Difference[];
}
