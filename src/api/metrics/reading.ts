/** One number about a container; undefined where its cgroup has no such controller. */
export interface Reading {
  /** Without the prefix `container_`. */
  readonly name: string;
  readonly value: bigint | undefined;
  readonly labels?: Readonly<Record<string, string>>;
}
