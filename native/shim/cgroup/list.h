#ifndef BERTH_CGROUP_LIST_H
#define BERTH_CGROUP_LIST_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

enum { LIST_LIMIT = 4096 };

/* A repeated message that grows in an allocator which frees everything at once. */
struct list {
  ProtobufCAllocator *memory;
  size_t count;
  void **items;
};

/* An empty message, which is now the last; NULL: no memory, or LIST_LIMIT. */
void *list_add(struct list *list, const ProtobufCMessageDescriptor *kind);

/* A copy of a string; NULL: no memory. */
char *copy_string(ProtobufCAllocator *memory, const char *text);

#endif
