#ifndef BERTH_STDIO_ROTATE_H
#define BERTH_STDIO_ROTATE_H

/*
 * Moves PATH to PATH.1, PATH.1 to PATH.2 and so on, so that at most `files` are left with the new, empty PATH. Returns
 * the new file, open for appending, or -errno with PATH still in its place.
 */
int rotate_files(const char *path, unsigned files);

#endif
