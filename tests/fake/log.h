/* log.h: what was asked, for tests to look at. */
#ifndef NL_TESTS_FAKE_LOG_H
#define NL_TESTS_FAKE_LOG_H

#include <ctype.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/buf.h"
#include "data/json.h"

static enum MHD_Result log_header(void *ctx, enum MHD_ValueKind kind, const char *name,
                                  const char *value) {
    nl_json_writer *w = ctx;
    char lower[128], shortened[48];
    size_t n = strlen(name);

    (void)kind;
    n = n < sizeof lower ? n : sizeof lower - 1;
    for (size_t i = 0; i < n; i++)
        lower[i] = (char)tolower((unsigned char)name[i]);
    nl_json_key_n(w, lower, n);
    if (strcasecmp(name, "Authorization") == 0 ||
        strcasecmp(name, "api-key") == 0) { /* a log is no place for keys */
        (void)snprintf(shortened, sizeof shortened, "(%zu bytes)", strlen(value));
        value = shortened;
    }
    nl_json_str(w, value ? value : "");
    return MHD_YES;
}

/* One request as one line: its number, when it came, path, headers and body. */
static void write_log(FILE *log, struct MHD_Connection *connection, size_t number, uint64_t ms,
                      const char *path, const nl_buf *body) {
    nl_json_writer w;
    nl_buf line;

    nl_buf_init(&line);
    nl_json_writer_init(&w, &line);
    nl_json_open_object(&w);
    nl_json_key(&w, "n");
    nl_json_put_int(&w, (int64_t)number);
    nl_json_key(&w, "ms");
    nl_json_put_int(&w, (int64_t)ms);
    nl_json_key(&w, "path");
    nl_json_str(&w, path);
    const char *version =
        MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "api-version");
    if (version) {
        nl_json_key(&w, "api_version");
        nl_json_str(&w, version);
    }
    nl_json_key(&w, "headers");
    nl_json_open_object(&w);
    MHD_get_connection_values(connection, MHD_HEADER_KIND, log_header, &w);
    nl_json_close_object(&w);
    nl_json_key(&w, "body");
    if (nl_utf8_valid(body->data, body->size))
        nl_json_str_n(&w, body->data, body->size);
    else
        nl_json_put_null(&w);
    nl_json_close_object(&w);
    nl_buf_char(&line, '\n');
    if (line.failed || fwrite(line.data, 1, line.size, log) != line.size || fflush(log) != 0)
        abort();
    nl_buf_release(&line);
}

#endif
