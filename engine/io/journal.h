/* journal.h: files of lines in one folder, written behind the loop's back.
 *
 * A line is queued and written by a thread of the journal's own, in the order in which lines came,
 * each with one write: also where several processes append to a file, lines stay whole. Known
 * secrets are replaced before (see base/log.h). A torn last line, left by a crash or a full disk,
 * is ended before the next begins. Files are for their owner alone (mode 0600), the folder too
 * (0700 where it is made here); both are made at first use, and nothing is ever deleted.
 *
 * What cannot be written is lost and the program goes on: the first time a warning is logged. At
 * most 8 MB wait to be written; what comes then is refused.
 *
 * One thread appends. */
#ifndef NL_IO_JOURNAL_H
#define NL_IO_JOURNAL_H

#include <stddef.h>

#include "base/err.h"

typedef struct nl_journal nl_journal;

/* A journal of files in `folder` (copied), whose parent exists. NULL where memory ran out. */
nl_journal *nl_journal_new(const char *folder, nl_err *err);
/* Writes what is queued, and frees it. NULL is fine. */
void nl_journal_free(nl_journal *journal);

/* Is it letters, digits, "-", "_" and ".", not first a ".", and not longer than 200 bytes? */
bool nl_journal_is_name(const char *name);

/* Queues `text`, which holds neither newline nor NUL, as a line of FOLDER/NAME. Never waits. False
 * with NL_INVALID for a name or text of another kind, NL_LIMIT where too much is queued, NL_NOMEM,
 * or NL_IO where the thread cannot be started. */
bool nl_journal_append(nl_journal *journal, const char *name, const char *text, size_t size,
                       nl_err *err);

/* Waits until all that was queued is written, or was tried to. */
void nl_journal_flush(nl_journal *journal);

/* Lines that could not be written so far. */
size_t nl_journal_lost(nl_journal *journal);

/* Makes the folder and returns FOLDER/NAME, which the caller frees, for a file that somebody else
 * writes; NULL where the folder cannot be made. */
char *nl_journal_path(nl_journal *journal, const char *name, nl_err *err);

#endif
