#ifndef BERTH_SHIM_SPAWNING_H
#define BERTH_SHIM_SPAWNING_H

#include "operation.h"

/*
 * The part that create, restore and exec have in common: a run of the runtime that leaves a process behind. Its streams
 * are opened first, and its logger awaited; then `begin` runs the runtime, and spawning_finish() takes over what it made.
 */

/*
 * Opens streams that clients attach to (berth://) before the process is started: who attaches before that misses nothing.
 * Others are opened when it is started, as containerd's shim does.
 */
bool spawning_prepare(struct process *process, struct failure *failure);

/* Opens the streams and calls begin, at once or when they are ready, or `failed`. */
void spawning_open(struct operation *operation, void (*begin)(struct operation *),
                   void (*failed)(struct operation *, const struct failure *));

/* Adds --console-socket, where there is a terminal, and --pid-file. */
bool spawning_words(struct operation *operation, struct words *words, struct failure *failure);

/* Runs the runtime with the streams. From here on the end of the process is deferred, until it was told to start. */
bool spawning_run(struct operation *operation, const struct words *words, void (*finish)(struct operation *),
                  struct failure *failure);

/* Takes pid and terminal. On failure the process, if there is one, is as good as dead, and the streams are closed. */
bool spawning_finish(struct operation *operation, const char *what, struct failure *failure);

/* The run could not even begin. */
void spawning_abort(struct operation *operation);

#endif
