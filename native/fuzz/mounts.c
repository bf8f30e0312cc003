/* The options of a mount, split at NULs: what was taken apart fits, and nothing is written past it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shim/rootfs/options.h"
#include "shim/rootfs/overlay.h"

enum { OPTIONS_MOST = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct mount_options options;
  struct failure failure = { .code = OK };
  char *list[OPTIONS_MOST], *text = malloc(size + 1);
  size_t count = 0;
  if (text == NULL) return 0;
  memcpy(text, data, size);
  text[size] = '\0';
  for (char *at = text; at <= text + size && count < OPTIONS_MOST; at += strlen(at) + 1) list[count++] = at;
  bool good = mount_options_read(&options, list, count, &failure);
  if (good && (options.length >= MOUNT_DATA_SIZE || strlen(options.data) != options.length)) abort();
  char directory[256];
  size_t before = options.length;
  if (good && overlay_shorten(options.data, &options.length, directory, sizeof directory) &&
      (options.length > before || strlen(directory) >= sizeof directory))
    abort();
  if (good != (failure.code == OK)) abort();
  free(text);
  return 0;
}
