#ifndef BERTH_STDIO_LISTEN_H
#define BERTH_STDIO_LISTEN_H

/*
 * Listens on a new unix socket, mode 0600, in the place of one that was left there by
 * somebody who is gone. The path may be longer than a socket address, its last part not. Returns the
 * socket or -errno, and the directory and the name in it, by which to remove the socket.
 */
int listen_in_directory(const char *path, int *directory, const char **name);

/* Accepts one connection of root or of our own user. -EACCES for anybody else's, -EAGAIN when there is none. */
int accept_trusted(int listener);

#endif
