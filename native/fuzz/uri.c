/* Where streams go to: what clients may write for it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stdio/berth-uri.h"
#include "stdio/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct board_options *options) {
  if (options->max_buffer > MAX_BUFFER || options->log.max_file > MAX_LOG_FILES || options->log.max_size < 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct uri uri;
  struct failure failure;
  char *text = strndup((const char *)data, size);
  if (text == NULL) return 0;
  if (uri_parse(&uri, text, &failure)) {
    if (uri.count > URI_PARAMETERS || (uri.scheme != URI_NONE && uri.path == NULL)) abort();
    for (size_t i = 0; i < uri.count; i++)
      if (uri_parameter(&uri, uri.parameters[i].key) == NULL || strlen(uri.parameters[i].value) > URI_LIMIT) abort();
    struct board_options options = { 0 };
    if (uri.scheme == URI_BERTH && berth_uri_options(&options, &uri, &failure)) check(&options);
  } else if (failure.code == OK) abort();
  free(text);
  return 0;
}
