#include "give-back.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { STACK_KEPT = 8 * 1024, STACK_SEARCHED = 512 * 1024 };

static uintptr_t page_of(uintptr_t address) { return address & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1); }

/* Only what was never written can be read from the file again: RELRO is in a writable segment. */
static int give_back_segments(struct dl_phdr_info *object, size_t size, void *nothing) {
  (void)size;
  (void)nothing;
  for (size_t i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
    if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W) != 0) continue;
    uintptr_t start = object->dlpi_addr + segment->p_vaddr;
    uintptr_t first = page_of(start);
    (void)madvise((void *)first, start + segment->p_memsz - first, MADV_DONTNEED);
  }
  return 1; /* the program itself comes first */
}

/* Where it is mapped no more, madvise() says so and has done the rest. */
static void give_back_stack(void) {
  uintptr_t here = page_of((uintptr_t)__builtin_frame_address(0));
  (void)madvise((void *)(here - STACK_SEARCHED), STACK_SEARCHED - STACK_KEPT, MADV_DONTNEED);
}

void give_back_memory(void) {
  (void)malloc_trim(0);
  give_back_stack();
  (void)dl_iterate_phdr(give_back_segments, NULL);
}
