#ifndef BERTH_STDIO_LOGGER_H
#define BERTH_STDIO_LOGGER_H

#include <stdbool.h>

#include "base/failure.h"
#include "base/reaper.h"
#include "uri.h"
#include "watch.h"

/*
 * Milliseconds that a logger may take until it is ready; to end by itself once its streams have ended, before it is asked
 * to; and to end when it is asked to.
 */
enum { LOGGER_READY_LIMIT = 10000, LOGGER_GRACE = 200, LOGGER_END_LIMIT = 12000 };

/*
 * A program that takes a process's output, as containerd starts one for binary:// : stdout is its descriptor 3, stderr 4; it
 * is ready when it writes to or closes 5 (binary-v2: writes). Its arguments are the URI's parameters, each key followed by
 * its value; its environment is CONTAINER_ID and CONTAINER_NAMESPACE alone.
 */
struct logger {
  struct loop *loop;
  struct reaper *reaper;
  struct child child; /* child.pid is 0 when there is none, or no more */
  struct watch ready;
  struct timer limit;
  bool is_strict;
  bool ends; /* its streams have ended */
  bool was_asked; /* to end */
  void *owner;
  void (*told)(void *owner, const struct failure *failure); /* ready (NULL), or never will be; once */
  void (*ended)(void *owner); /* after logger_end(), or by itself */
};

/* Where a logger gets its streams, whose descriptors stay the caller's, and what it is told. */
struct logger_request {
  const struct uri *uri;
  const char *id, *namespace;
  int fds[2];
};

/* loop, reaper, owner and callbacks are filled in by the caller before. Then it runs, or the failure says why not. */
bool logger_start(struct logger *logger, const struct logger_request *request, struct failure *failure);

static inline bool logger_is_running(const struct logger *logger) { return logger->child.pid > 0; }

/* Its streams have ended: asks a running one to end too, and kills it when it does not. */
void logger_end(struct logger *logger);

/* Kills it. No callback comes from then on. One that is all zero is fine. */
void logger_close(struct logger *logger);

#endif
