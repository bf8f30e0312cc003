#ifndef BERTH_STDIO_WATCH_H
#define BERTH_STDIO_WATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/loop.h"

/*
 * A descriptor of ours that is waited for now and then. While nothing is wanted it is not in the loop at all, because
 * epoll tells of a hang-up without being asked, over and over.
 */
struct watch {
  struct source source; /* source.fd is -1 when there is none */
  struct loop *loop;
  bool is_added;
};

/* Takes the descriptor, which may be -1. Waits for nothing yet. */
void watch_begin(struct watch *watch, struct loop *loop, int fd, void (*ready)(struct source *, uint32_t));

/* Waits for these events from now on; 0 is for nothing. A file that needs no waiting is ready at each turn of ours only. */
void watch_for(struct watch *watch, uint32_t events);

/* Waits no more and closes. */
void watch_end(struct watch *watch);

#endif
