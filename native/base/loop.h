#ifndef BERTH_LOOP_H
#define BERTH_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

/*
 * One thread's event loop over epoll. Its members are embedded in those who own them; it never allocates, and never owns
 * a descriptor. Everything is called from loop_run(), never from within another call here.
 */

enum { LOOP_BATCH = 32, LOOP_IDLE_MS = 1000 };

/* A descriptor that is waited for. `ready` may remove any source, itself included, and free what holds it. */
struct source {
  int fd;
  uint32_t events; /* EPOLLIN | EPOLLOUT…; 0 still learns of EPOLLHUP and EPOLLERR */
  void (*ready)(struct source *source, uint32_t events);
};

/* A moment that is waited for, once. `due` may set it anew, or free what holds it. */
struct timer {
  int64_t at; /* as of clock_ms() */
  void (*due)(struct timer *timer);
  struct timer *next;
  bool is_set;
};

struct loop {
  int epoll;
  bool stopped;
  int64_t now; /* milliseconds, when this turn began */
  struct timer *timers; /* the soonest first */
  void (*idle)(void); /* called once whenever nothing was ready and no timer due for LOOP_IDLE_MS; may be NULL */
  bool is_idle;
  int count;
  struct epoll_event batch[LOOP_BATCH]; /* of this turn; what was removed meanwhile is NULL */
};

int loop_open(struct loop *loop);
void loop_close(struct loop *loop);

/* Waits for source->fd, which must be open. 0 or -errno (EPERM: a regular file, which is always ready). */
int loop_add(struct loop *loop, struct source *source);

/* Waits for other events from now on. */
void loop_change(struct loop *loop, struct source *source, uint32_t events);

/* Waits no more. Call it before the descriptor is closed. */
void loop_remove(struct loop *loop, struct source *source);

/* Sets a timer, or sets it anew. */
void timer_set(struct loop *loop, struct timer *timer, int64_t delay_ms);
void timer_clear(struct loop *loop, struct timer *timer);

/* Turns until loop_stop(), or for ever. 0 or -errno of epoll. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* The struct that holds `member`, from a pointer to it. */
#define holder_of(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))

#endif
