import { kindOf, messageOf } from '#/base/errors.ts';
import { newestApiVersion } from '#/client/negotiate.ts';
import type { VersionAnswer } from '#/client/system.ts';
import { formatJson } from '#/client/json-text.ts';
import { defineCommand, noArguments, type Command, type Context } from '#/cli/command.ts';
import { boolean, text } from '#/cli/flags.ts';
import { visible } from '#/cli/render/text-width.ts';
import { version } from '#/cli/version-number.ts';

export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  about: 'Show the versions of client and daemon',
  examples: ["berth version --format '{{.Server.Version}}'", 'berth version --client'],
  flags: {
    client: boolean('', 'Show the client only, without asking the daemon'),
    format: text('f', 'FORMAT', 'json, or a template such as "{{.Client.Version}}"'),
  },
  arity: noArguments,
  run: async ({ context, flags }) => {
    const answer = flags.client ? { apiVersion: newestApiVersion } : await askDaemon(context);
    const report: Report = { Client: clientPart(answer.apiVersion), Server: answer.server ?? null };
    if (flags.format === undefined) context.out.text(formatReport(report));
    else if (flags.format === 'json') context.out.line(formatJson(report));
    else {
      const { compileTemplate } = await import('#/cli/template/template.ts');
      context.out.line(compileTemplate(flags.format).render(report));
    }
    if (answer.failure !== undefined) context.err.line(answer.failure);
    return answer.failure === undefined ? 0 : 1;
  },
});

interface Answer {
  readonly apiVersion: string;
  readonly server?: VersionAnswer;
  readonly failure?: string;
}

/** The client's own version is of use even when no daemon answers. */
async function askDaemon(context: Context): Promise<Answer> {
  try {
    const client = await context.connect();
    return { apiVersion: await client.apiVersion(), server: await client.system.version() };
  } catch (error) {
    if (kindOf(error) === 'unknown') throw error;
    return { apiVersion: newestApiVersion, failure: `berth: ${messageOf(error)}` };
  }
}

interface ClientPart {
  readonly Version: string;
  readonly ApiVersion: string;
  readonly DefaultAPIVersion: string;
  readonly NodeVersion: string;
  readonly Os: string;
  readonly Arch: string;
}

interface Report {
  readonly Client: ClientPart;
  readonly Server: VersionAnswer | null;
}

const goArchitectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

function clientPart(apiVersion: string): ClientPart {
  return {
    Version: version,
    ApiVersion: apiVersion,
    DefaultAPIVersion: newestApiVersion,
    NodeVersion: process.versions.node,
    Os: process.platform,
    Arch: goArchitectures[process.arch] ?? process.arch,
  };
}

type Line = readonly [string, string | undefined];

function formatReport({ Client: client, Server: server }: Report): string {
  const agreed = client.ApiVersion === client.DefaultAPIVersion ? '' : ` (downgraded from ${client.DefaultAPIVersion})`;
  const own = formatPart('Client: berth', [
    ['Version', client.Version],
    ['API version', client.ApiVersion + agreed],
    ['Node version', client.NodeVersion],
    ['OS/Arch', `${client.Os}/${client.Arch}`],
  ]);
  return server === null ? own : `${own}\n${formatServer(server)}`;
}

function formatServer(server: VersionAnswer): string {
  const name = server.Platform?.Name ?? '';
  const components = (server.Components ?? []).map(({ Name, Version, Details }) => {
    const details = Details ?? {};
    const api = details['ApiVersion'];
    return formatPart(` ${Name}`, [
      [' Version', Version],
      [' API version', api === undefined ? undefined : `${api} (minimum version ${details['MinAPIVersion'] ?? ''})`],
      [' GitCommit', details['GitCommit']],
      [' OS/Arch', details['Os'] === undefined ? undefined : `${details['Os']}/${details['Arch'] ?? ''}`],
    ]);
  });
  const plain = formatPart(' Engine', [
    [' Version', server.Version],
    [' API version', server.ApiVersion],
  ]);
  return `Server:${name === '' ? '' : ` ${visible(name)}`}\n${components.length === 0 ? plain : components.join('')}`;
}

function formatPart(title: string, lines: readonly Line[]): string {
  const shown = lines.flatMap(([label, value]) =>
    value === undefined || value === '' ? [] : [` ${`${label}:`.padEnd(19)}${visible(value)}\n`],
  );
  return `${visible(title)}${title.startsWith(' ') ? ':' : ''}\n${shown.join('')}`;
}
