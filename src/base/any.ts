/**
 * An opaque typed value: what protobuf calls Any, kept byte-identical. `typeUrl` is the bare full name, without
 * `type.googleapis.com/`. No module below the wire faces looks inside one that it did not make.
 */
export interface TypedValue {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

export type Labels = Readonly<Record<string, string>>;
