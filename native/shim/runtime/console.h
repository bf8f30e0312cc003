#ifndef BERTH_SHIM_CONSOLE_H
#define BERTH_SHIM_CONSOLE_H

/*
 * The socket on which a runtime hands over the master of a new terminal. It lies in the bundle, whose path may be longer
 * than a socket's may be, so it is reached through a descriptor of this process.
 */
struct console {
  int listener, bundle;
  char name[48]; /* in the bundle */
  char path[96]; /* for the runtime */
};

/* 0 or -errno. */
int console_open(struct console *console, const char *bundle);

/* The master, once the runtime has ended well: it was sent by then. Or -errno. */
int console_receive(const struct console *console);

void console_close(struct console *console);

#endif
