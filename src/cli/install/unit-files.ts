/** Texts of the files that an installation writes. */
const note = '# Written by "berth system install"; "berth system uninstall" removes it.\n';

/** berthd and its containers part ways: a stop ends berthd alone, and the cgroups below it are its own. */
export function serviceUnit(words: readonly string[]): string {
  return `${note}[Unit]
Description=berth container engine
Requires=berth.socket
After=berth.socket network-online.target local-fs.target
Wants=network-online.target

[Service]
Type=notify
ExecStartPre=-/sbin/modprobe overlay
ExecStart=${words.map(unitWord).join(' ')}
Restart=always
RestartSec=2
Delegate=yes
KillMode=process
OOMScoreAdjust=-999
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity

[Install]
WantedBy=multi-user.target
Also=berth.socket
`;
}

/** systemd holds the sockets, so that a client waits while berthd starts again. */
export function socketUnit(paths: readonly string[]): string {
  return `${note}[Unit]
Description=berth container engine: sockets

[Socket]
${paths.map((path) => `ListenStream=${path.replaceAll('%', '%%')}`).join('\n')}
SocketMode=0660
DirectoryMode=0711
RemoveOnStop=yes
FileDescriptorName=berth
Backlog=4096

[Install]
WantedBy=sockets.target
`;
}

export function dropIn(listen: { readonly grpc: readonly string[]; readonly docker: readonly string[] }): string {
  const list = (paths: readonly string[]): string => `[${paths.map((path) => JSON.stringify(path)).join(', ')}]`;
  return `${note}version = 4\n\n[berth.listen]\ngrpc = ${list(listen.grpc)}\ndocker = ${list(listen.docker)}\n`;
}

/** A word of a command line as systemd.service(5) has it. */
function unitWord(word: string): string {
  const plain = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w./:=@%$+-]+$/.test(plain) ? plain : `"${plain.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
