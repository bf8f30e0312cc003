/** A registry of one image that does what it is told: counts, lies, breaks off. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { digestOf } from '#/oci/digest.ts';
import { mediaTypes } from '#/oci/manifest.ts';
import { imageConfig, type ImageParts } from './layered-image.ts';

export interface WireDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export interface WireImage {
  readonly blobs: ReadonlyMap<string, Buffer>;
  readonly manifest: WireDescriptor;
  readonly layers: readonly WireDescriptor[];
}

export interface WireLies {
  /** Changes what the manifest says of its layers. */
  readonly describe?: (layer: WireDescriptor) => WireDescriptor;
  readonly manifest?: Readonly<Record<string, unknown>>;
  /** Wraps the manifest into an index that says so of its platform. */
  readonly indexFor?: { readonly os: string; readonly architecture: string };
}

/** An image as a registry has it: gzipped layers, config, manifest. */
export function wireImage(parts: ImageParts, lies: WireLies = {}): WireImage {
  const blobs = new Map<string, Buffer>();
  const add = (mediaType: string, data: Buffer): WireDescriptor => {
    const digest = digestOf(data);
    blobs.set(digest, data);
    return { mediaType, digest, size: data.length };
  };
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  const config = add(mediaTypes.ociConfig, imageConfig(parts));
  const stored = parts.layers.map((layer) => add(mediaTypes.ociLayerGzip, gzipSync(layer)));
  const layers = stored.map(lies.describe ?? ((layer) => layer));
  const document = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers, ...lies.manifest };
  const manifest = add(mediaTypes.ociManifest, json(document));
  if (lies.indexFor === undefined) return { blobs, manifest, layers };
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: [{ ...manifest, platform: lies.indexFor }],
  };
  return { blobs, manifest: add(mediaTypes.ociIndex, json(index)), layers };
}

/** Answers a request for a blob or manifest in its own way; false leaves it to the registry. */
export type Special = (asked: Asked, request: IncomingMessage, response: ServerResponse) => boolean;

export interface Asked {
  readonly kind: 'blobs' | 'manifests';
  readonly digest: string;
  readonly data: Buffer;
}

export interface FakeRegistry extends AsyncDisposable {
  /** `localhost:PORT`; the image is `app:1`. */
  readonly host: string;
  /** `GET blobs sha256:…`, one for each request that reached it. */
  readonly requests: readonly string[];
}

export async function startFakeRegistry(
  { blobs, manifest }: WireImage,
  special: Special = () => false,
): Promise<FakeRegistry> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const [, kind, name = ''] = /^\/v2\/app\/(manifests|blobs)\/(.*)$/.exec(request.url ?? '') ?? [];
    const digest = name === '1' ? manifest.digest : name;
    const data = blobs.get(digest);
    if ((kind !== 'blobs' && kind !== 'manifests') || data === undefined) {
      response.writeHead(request.url === '/v2/' ? 200 : 404).end();
      return;
    }
    requests.push(`${request.method} ${kind} ${digest}`);
    if (special({ kind, digest, data }, request, response)) return;
    answer(
      { digest, data, mediaType: digest === manifest.digest ? manifest.mediaType : mediaTypes.ociManifest },
      request,
      response,
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `localhost:${(server.address() as AddressInfo).port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

interface Answer {
  readonly digest: string;
  readonly data: Buffer;
  readonly mediaType: string;
}

function answer({ digest, data, mediaType }: Answer, request: IncomingMessage, response: ServerResponse): void {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const range = start === 0 ? {} : { 'content-range': `bytes ${start}-${data.length - 1}/${data.length}` };
  const headers = { 'docker-content-digest': digest, 'content-type': mediaType, 'content-length': data.length - start };
  response.writeHead(start === 0 ? 200 : 206, { ...headers, ...range });
  response.end(request.method === 'HEAD' ? undefined : data.subarray(start));
}
