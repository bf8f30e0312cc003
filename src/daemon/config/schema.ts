/**
 * The configuration's tree: what each key means, how it is read, what it is when nobody sets it, and the line that
 * explains it. Reading, checking and printing all follow this one tree.
 */
import type { Parse } from '#/daemon/config/parsers.ts';
import type { TomlTable, TomlValue } from '#/daemon/config/toml.ts';

/** A key that berth follows. */
export interface Leaf<T> {
  readonly kind: 'leaf';
  readonly parse: Parse<T>;
  readonly preset: TomlValue;
  readonly doc: string;
}

/** A key that containerd knows, and berth does not follow. */
export interface Known {
  readonly kind: 'known';
  /** containerd's default: a file that repeats it asks for nothing. */
  readonly preset: TomlValue | undefined;
}

/** A key that is an error when it asks for anything. */
export interface Refused {
  readonly kind: 'refused';
  readonly preset: TomlValue;
  readonly why: string;
}

declare const reads: unique symbol;

/** A table; `T` is what reading it gives: the keys that berth follows. */
export interface Branch<out T = unknown> {
  readonly kind: 'branch';
  readonly doc: string;
  readonly children: Children;
  readonly [reads]?: T;
}

/** A table whose keys are names that people choose. */
export interface Names<out T = unknown> {
  readonly kind: 'names';
  readonly doc: string;
  readonly each: Node;
  /** Names that are there when nobody sets them. */
  readonly preset: TomlTable;
  readonly [reads]?: T;
}

export type Node = Leaf<unknown> | Known | Refused | Branch | Names;

export interface Children {
  readonly [name: string]: Node;
}

type NodeOf<T> = Leaf<T> | Branch<T> | Names<T>;
/** Tables side by side. */
export type SectionsOf<T> = { readonly [K in keyof T]: Branch<T[K]> } & Children;
type ChildrenOf<T> = { readonly [K in keyof T]-?: NodeOf<Exclude<T[K], undefined>> } & Children;

export const leaf = <T>(parse: Parse<T>, preset: TomlValue, doc: string): Leaf<T> => ({
  kind: 'leaf',
  parse,
  preset,
  doc,
});

export const known = (preset?: TomlValue): Known => ({ kind: 'known', preset });

export const refused = (preset: TomlValue, why: string): Refused => ({ kind: 'refused', preset, why });

export const branch = <T>(doc: string, children: ChildrenOf<T>): Branch<T> => ({ kind: 'branch', doc, children });

export const names = <T>(
  doc: string,
  each: NodeOf<T> | Known,
  preset: TomlTable = {},
): Names<Readonly<Record<string, T>>> => ({ kind: 'names', doc, each, preset });

/** A part of containerd that berth has not: its keys, with containerd's defaults. */
export const notHere = (presets: Readonly<Record<string, TomlValue | undefined>>): Branch<Nothing> => ({
  kind: 'branch',
  doc: '',
  children: knownKeys(presets),
});

export const knownKeys = (presets: Readonly<Record<string, TomlValue | undefined>>): Children =>
  Object.fromEntries(Object.entries(presets).map(([name, preset]) => [name, known(preset)]));

/** What reading a table gives of which berth follows no key. */
export type Nothing = object;
