import { enableCompileCache } from 'node:module';

enableCompileCache();
const { runDaemon } = await import('#/daemon/run-daemon.ts');
process.exitCode = await runDaemon(process.argv.slice(2));
