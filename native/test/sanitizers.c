/* How the sanitizers behave in the shim: a command that ends leaves its memory to the kernel. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0:detect_stack_use_after_return=1"; }
