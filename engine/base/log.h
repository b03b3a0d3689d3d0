/* log.h: lines for people and machines, on standard error, with secrets taken out.
 *
 * Lines may come from any thread. A live block (progress) stays below the lines on a terminal.
 * Every line, and the live block, passes through the redaction first; control characters other
 * than newlines and tabs do not reach the terminal. */
#ifndef NL_BASE_LOG_H
#define NL_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

typedef enum { NL_DEBUG, NL_INFO, NL_WARN, NL_ERROR } nl_level;

/* Lines below `least` are dropped. `json`: one JSON object a line ({"time","level","msg"}). */
void nl_log_setup(nl_level least, bool json);

/* Sends every message to `path` too (appended to; made for its owner alone), those that are not
 * shown included, with time and level; what follows its first line is indented. NULL stops that. A
 * write that fails (a full disk) stops it with a warning. False, with errno, where the file cannot
 * be opened. */
bool nl_log_file(const char *path);
bool nl_log_has_file(void);

void nl_log(nl_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends each error that is logged to `into` too, newlines between them; NULL stops that. */
void nl_log_errors(nl_buf *into);

/* `text` is never to be shown: it is replaced by "***" wherever it would occur, also as a JSON
 * string has it. Copied. Texts under 4 bytes are ignored. False where memory ran out or 16 are
 * known already. */
bool nl_log_secret(const char *text);

/* Replaces every known secret in `text` (in place; it never gets longer). */
void nl_log_redact(char *text);

/* Shows `lines` (newlines between them, "" for none) as the live block where standard error
 * is a terminal that can move its cursor; does nothing elsewhere. */
void nl_log_block(const char *lines);

/* Standard error is a terminal that understands cursor movement (TERM is not dumb). */
bool nl_log_is_live(void);

#endif
