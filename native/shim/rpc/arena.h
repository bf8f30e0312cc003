#ifndef BERTH_RPC_ARENA_H
#define BERTH_RPC_ARENA_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Memory that is given back all at once, with a limit: what one request may cost, whatever it holds. Give
 * `&arena.allocator` to protobuf-c; what it unpacks needs no freeing. An arena must not be moved once it is open.
 */
struct arena {
  ProtobufCAllocator allocator;
  struct arena_chunk *chunks; /* the newest first; nothing is allocated before it is needed */
  size_t used, limit;
  bool exhausted; /* something was refused, by the limit or for want of memory */
};

void arena_open(struct arena *arena, size_t limit);
void arena_close(struct arena *arena);

/* Zeroed memory for any type, or NULL where it would pass the limit. */
void *arena_take(struct arena *arena, size_t size);

/* A copy of `length` bytes and a NUL after them. */
char *arena_text(struct arena *arena, const char *text, size_t length);

__attribute__((format(printf, 2, 3))) char *arena_format(struct arena *arena, const char *format, ...);

#endif
