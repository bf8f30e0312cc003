#ifndef BERTH_STDIO_BERTH_URI_H
#define BERTH_STDIO_BERTH_URI_H

#include "board.h"
#include "uri.h"

enum { MAX_LOG_FILES = 9999 };

/* What a client's unread output may take where it may be lost: Docker's 1 MiB when nothing is said; at most. */
#define USUAL_BUFFER ((int64_t)1 << 20)
#define MAX_BUFFER ((int64_t)1 << 30)

/*
 * Reads the parameters of a berth:// URI: log, format (json-file, cri), max-size, max-file, stdin-once, mode (blocking,
 * non-blocking), max-buffer-size. Pure; the strings belong to `uri`. Refuses by name what it does not know.
 */
bool berth_uri_options(struct board_options *options, const struct uri *uri, struct failure *failure);

/* One option by name, as a URI has it after the socket and a command line has it behind `--`. False: no such option. */
bool berth_option(struct board_options *options, const char *name, const char *value, struct failure *failure);

/* What fits only together. */
bool berth_options_check(struct board_options *options, struct failure *failure);

#endif
