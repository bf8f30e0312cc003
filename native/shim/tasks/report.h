#ifndef BERTH_SHIM_REPORT_H
#define BERTH_SHIM_REPORT_H

/*
 * Says something to whoever reads the daemon's log: standard error, which the server has tied to the bundle's log FIFO.
 * Never waits: what nobody reads is lost.
 */
__attribute__((format(printf, 1, 2))) void report(const char *format, ...);

#endif
