/* What the caller of `start` says on standard input: BootstrapParams, options as an Any, or neither. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shim/greeting.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char id[] = "id", namespace[] = "ns";
  struct flags flags = { .id = id, .namespace = namespace };
  struct greeting greeting;
  struct failure failure = { .code = OK };
  int file = memfd_create("input", MFD_CLOEXEC);
  if (file < 0 || write(file, data, size) != (ssize_t)size || lseek(file, 0, SEEK_SET) != 0) abort();
  if (dup2(file, STDIN_FILENO) < 0) abort();
  close(file);
  bool good = greeting_read(&greeting, &flags, &failure);
  if (good != (failure.code == OK)) abort();
  if (good && greeting.options == NULL) abort();
  if (greeting.options != NULL) options_free(greeting.options);
  free(greeting.socket_dir);
  return 0;
}
