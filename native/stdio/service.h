#ifndef BERTH_STDIO_SERVICE_H
#define BERTH_STDIO_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "attach.h"
#include "fifo.h"
#include "input.h"
#include "log.h"
#include "options.h"

enum { READ_SIZE = 48 * 1024 };

/* The streams of one process: its output goes to a log and to the clients, their input to it. */
struct service {
  struct output outputs[2]; /* stdout and stderr */
  struct input input;
  struct log log;
  struct attach attach;
  int signals; /* a signalfd for SIGTERM */
  bool terminated;
  unsigned char chunk[READ_SIZE];
};

/* Opens everything that the options name. On failure says on standard error what could not be opened. */
int service_open(struct service *service, const struct options *options);

/* Serves until both streams have ended and everybody has got what is theirs. */
int service_serve(struct service *service);

#endif
