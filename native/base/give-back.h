#ifndef BERTH_GIVE_BACK_H
#define BERTH_GIVE_BACK_H

/*
 * Lets go of the memory that a process does not need while nothing happens: pages of its code and constants, which the
 * kernel maps again when they are used, the stack below the caller, and free heap.
 */
void give_back_memory(void);

#endif
