#include "list.h"

#include <string.h>

static void *allocate(ProtobufCAllocator *memory, size_t size) { return memory->alloc(memory->allocator_data, size); }

/* Doubles the room when the count is a power of two. */
static bool make_room(struct list *list) {
  if (list->count >= LIST_LIMIT) return false;
  if ((list->count & (list->count - 1)) != 0) return true;
  void **items = allocate(list->memory, (list->count == 0 ? 1 : list->count * 2) * sizeof *items);
  if (items == NULL) return false;
  if (list->count > 0) memcpy(items, list->items, list->count * sizeof *items);
  list->items = items;
  return true;
}

void *list_add(struct list *list, const ProtobufCMessageDescriptor *kind) {
  if (!make_room(list)) return NULL;
  void *item = allocate(list->memory, kind->sizeof_message);
  if (item == NULL) return NULL;
  protobuf_c_message_init(kind, item);
  return list->items[list->count++] = item;
}

char *copy_string(ProtobufCAllocator *memory, const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = allocate(memory, size);
  return copy == NULL ? NULL : memcpy(copy, text, size);
}
