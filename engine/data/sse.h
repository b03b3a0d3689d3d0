/* sse.h: server-sent events of a chat completion, folded back into one completion.
 *
 * Reads the text/event-stream body of an OpenAI-compatible endpoint, whole or broken off
 * anywhere, and writes the JSON of the `chat.completion` that the same answer without
 * streaming would have been: id, model, choices[{index, message{role, content, refusal,
 * reasoning_content, tool_calls}, finish_reason}], usage, error (where a chunk carries one).
 * Deltas are joined by choice index and tool-call index. Events follow the WHATWG rules:
 * CR, LF or CRLF, comments, several data lines. */
#ifndef NL_DATA_SSE_H
#define NL_DATA_SSE_H

#include "base/buf.h"
#include "base/err.h"

typedef struct {
    bool done;        /* "[DONE]" was seen, or every choice had a finish_reason */
    unsigned events;  /* data events read */
    unsigned garbled; /* data events that were no JSON object, passed over */
} nl_sse_report;

/* Appends the folded completion to *out. False (NL_NOMEM, NL_LIMIT) where it could not be
 * made; a stream without one readable event gives NL_INVALID. */
bool nl_sse_fold(const char *body, size_t size, nl_buf *out, nl_sse_report *report, nl_err *err);

#endif
