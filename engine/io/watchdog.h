/* watchdog.h: a thread that ends the process once one turn of a loop has lasted too long.
 *
 * What it looks at is atomic, so the loop's thread writes it as it goes. It is woken when it is to
 * stop: nobody waits for the end of its nap. */
#ifndef NL_IO_WATCHDOG_H
#define NL_IO_WATCHDOG_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"

/* What the loop's thread is doing. */
typedef struct {
    _Atomic uint64_t since;    /* nl_monotonic_ms() at the turn's start; 0 between turns */
    _Atomic(const char *) who; /* to be named; borrowed; NULL: nobody in particular */
} nl_turn;

typedef struct nl_watchdog nl_watchdog;

/* `turn` is borrowed until nl_watchdog_stop. NULL with *err set where there is no memory or no
 * thread. */
nl_watchdog *nl_watchdog_start(const nl_turn *turn, uint64_t limit_ms, nl_err *err);
void nl_watchdog_stop(nl_watchdog *watchdog); /* NULL is fine */

uint64_t nl_monotonic_ms(void);

#endif
