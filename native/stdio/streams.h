#ifndef BERTH_STDIO_STREAMS_H
#define BERTH_STDIO_STREAMS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/failure.h"
#include "base/loop.h"
#include "base/reaper.h"

/*
 * The streams of one process: as many as there are processes, all in one loop. The program ignores SIGPIPE.
 *
 * In order: streams_open(); if streams_wait() says so, wait; give the process streams_child_fd() 0 to 2, or with a
 * terminal streams_console() the master; streams_started() once the runtime has made the process; streams_take_input() when
 * it runs; streams_process_ended() at its exit; streams_finish() before its deletion is answered. streams_close() ends everything at once, at any point.
 *
 * What is asked for by URI (native/stdio/uri.h), each empty or NULL where it is not wanted:
 *   a path, fifo://   a FIFO of the client, or a file that is there. Opened without waiting for the other side
 *   file://           appended to; made, with its directories, when it is not there
 *   binary://         a logger as containerd starts one: stdout and stderr are its 3 and 4, ready is its 5
 *   berth://          a log of ours and a socket to attach to (ARCHITECTURE.md, "berth-stdio: attach")
 */
struct streams;

struct stream_request {
  const char *stdin_uri, *stdout_uri, *stderr_uri;
  bool terminal; /* one stream for both outputs; stderr_uri is not looked at */
  const char *id; /* of the process: the exec's, or the container's. Told to a logger */
  const char *namespace;
  uid_t uid; /* the owner of the process's pipes: IoUid and IoGid of the runtime's options */
  gid_t gid;
};

/* Opens all that is named, and makes the process's pipes. On failure nothing is left. */
bool streams_open(struct streams **streams, struct loop *loop, struct reaper *reaper, const struct stream_request *request,
                  struct failure *failure);

/*
 * False when the streams can be used at once, which is always so without a logger. True: `ready` will be called, once and
 * from the loop, when the logger is ready, or with the failure (then call streams_close, also from within).
 */
bool streams_wait(struct streams *streams, void (*ready)(void *data, const struct failure *failure), void *data);

/* What the process gets as its `which` (0 to 2); /dev/null where nothing is wanted. Ours. -1 with a terminal. */
int streams_child_fd(const struct streams *streams, int which);

/*
 * Closes the process's ends in this program, and lets its output flow: what a runtime says that fails to make a process,
 * into pipes which are to be the process's, reaches nobody.
 */
void streams_started(struct streams *streams);

/*
 * The process runs: from now on its stdin is read from the client's FIFO. It is not opened before, because a client may
 * have written all and ended its own input while it cannot yet call CloseIO: the task is not there for it until Create
 * has answered. (`ctr run` then never calls it, and a shim that opens the FIFO early makes a process wait for ever.)
 */
void streams_take_input(struct streams *streams);

/* The master of the process's terminal, which belongs to the streams from now on, also on failure. 0 or -errno. */
int streams_console(struct streams *streams, int master);

/* 0 or -errno; 0 and nothing without a terminal, as the Go shim. */
int streams_resize(struct streams *streams, unsigned width, unsigned height);

/* CloseIO: lets go of stdin, which ends when its other writers have gone too, after what they wrote. */
void streams_close_stdin(struct streams *streams);

/* The process has ended. Its output ends when nobody else has it open; that of a terminal, with what is there now. */
void streams_process_ended(struct streams *streams);

/*
 * Calls `finished`, once and from the loop, when all output has reached its readers or cannot any more, but after
 * STREAMS_DRAIN milliseconds at the latest (a descendant may keep a pipe open for ever; what it writes later is lost),
 * and a logger has ended, which is asked for (SIGTERM) and after LOGGER_END_LIMIT milliseconds enforced. The streams are
 * gone then.
 */
enum { STREAMS_DRAIN = 10000 };
void streams_finish(struct streams *streams, void (*finished)(void *data), void *data);

/* Ends everything at once, and what has not been delivered is lost. NULL is fine. */
void streams_close(struct streams *streams);

#endif
