#include "shim/rpc/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CHUNK = 512, LARGEST_CHUNK = 32 << 10 };

struct arena_chunk {
  struct arena_chunk *next;
  size_t size, used;
  alignas(max_align_t) uint8_t bytes[];
};

static size_t aligned(size_t size) { return (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1); }

static void *refuse(struct arena *arena) {
  arena->exhausted = true;
  return NULL;
}

/* Chunks grow with what was asked for so far, so that small requests stay small and large ones need few. */
static struct arena_chunk *add_chunk(struct arena *arena, size_t size) {
  size_t room = FIRST_CHUNK;
  while (room < LARGEST_CHUNK && room < arena->used) room *= 2;
  if (room < size) room = size;
  struct arena_chunk *chunk = calloc(1, sizeof *chunk + room);
  if (chunk == NULL) return refuse(arena);
  chunk->size = room;
  chunk->next = arena->chunks;
  arena->chunks = chunk;
  return chunk;
}

void *arena_take(struct arena *arena, size_t size) {
  if (size > arena->limit) return refuse(arena);
  size = aligned(size == 0 ? 1 : size);
  if (size > arena->limit - arena->used) return refuse(arena);
  struct arena_chunk *chunk = arena->chunks;
  if (chunk == NULL || size > chunk->size - chunk->used) chunk = add_chunk(arena, size);
  if (chunk == NULL) return NULL;
  void *place = chunk->bytes + chunk->used;
  chunk->used += size;
  arena->used += size;
  return place;
}

static void *allocate(void *arena, size_t size) { return arena_take(arena, size); }

static void keep(void *arena, void *pointer) {
  (void)arena;
  (void)pointer;
}

void arena_open(struct arena *arena, size_t limit) {
  *arena = (struct arena){ .limit = limit };
  arena->allocator = (ProtobufCAllocator){ .alloc = allocate, .free = keep, .allocator_data = arena };
}

void arena_close(struct arena *arena) {
  while (arena->chunks != NULL) {
    struct arena_chunk *chunk = arena->chunks;
    arena->chunks = chunk->next;
    free(chunk);
  }
  arena->used = 0;
}

char *arena_text(struct arena *arena, const char *text, size_t length) {
  if (length >= arena->limit) return refuse(arena);
  char *copy = arena_take(arena, length + 1);
  if (copy != NULL) memcpy(copy, text, length);
  return copy;
}

char *arena_format(struct arena *arena, const char *format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  int length = vsnprintf(NULL, 0, format, again);
  va_end(again);
  char *text = length < 0 ? refuse(arena) : arena_take(arena, (size_t)length + 1);
  if (text != NULL) (void)vsnprintf(text, (size_t)length + 1, format, arguments);
  va_end(arguments);
  return text;
}
