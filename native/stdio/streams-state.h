#ifndef BERTH_STDIO_STREAMS_STATE_H
#define BERTH_STDIO_STREAMS_STATE_H

#include "board.h"
#include "logger.h"
#include "relay.h"
#include "streams.h"

#include <unistd.h>

/* What streams.c and open-streams.c share. */
struct streams {
  struct loop *loop;
  bool terminal;
  bool wants[3];
  int child[3];   /* the process's ends */
  int ours[3];    /* our ends, until they belong to a relay or the board */
  char *stdin_path; /* the client's FIFO, until it is opened */
  bool lets_go;     /* CloseIO has been asked for */
  int hold;         /* our own writing end of the FIFO */
  int master;     /* of the terminal, for its size */
  struct relay relays[3];
  struct board *board;  /* with berth:// */
  struct logger logger; /* with binary:// */
  void (*ready)(void *data, const struct failure *failure);
  void *ready_data;
  struct timer limit;
  void (*finished)(void *data);
  void *data;
};

/* Opens all that is named; streams_close() undoes what was done, also after a failure. */
bool streams_open_all(struct streams *streams, struct reaper *reaper, const struct stream_request *request,
                      struct failure *failure);

/* Something has ended: a relay, the board, or the logger. */
void streams_changed(void *streams);

static inline void streams_close_fd(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

#endif
