#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/utf8.h"

#include "base/banned.h"

enum { MAX_SECRETS = 16, LEAST_SECRET = 4 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static nl_level least_level = NL_INFO;
static bool as_json;
static FILE *copy;
static char *secrets[MAX_SECRETS]; /* longest first: one may begin with another */
static size_t n_secrets;
static nl_buf block; /* what the live block shows now */
static unsigned block_lines;

static const char *const level_names[] = { "debug", "info", "warn", "error" };

void nl_log_setup(nl_level least, bool json) {
    pthread_mutex_lock(&lock);
    least_level = least;
    as_json = json;
    pthread_mutex_unlock(&lock);
}

bool nl_log_file(const char *path) {
    FILE *file = path ? fopen(path, "ae") : NULL;
    pthread_mutex_lock(&lock);
    if (copy)
        (void)fclose(copy);
    copy = file;
    pthread_mutex_unlock(&lock);
    return file || !path;
}

bool nl_log_secret(const char *text) {
    if (strlen(text) < LEAST_SECRET)
        return true;
    bool ok = false;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < n_secrets && !ok; i++)
        ok = strcmp(secrets[i], text) == 0;
    char *own = !ok && n_secrets < MAX_SECRETS ? strdup(text) : NULL;
    if (own) {
        size_t at = n_secrets++;
        for (; at > 0 && strlen(secrets[at - 1]) < strlen(own); at--)
            secrets[at] = secrets[at - 1];
        secrets[at] = own;
        ok = true;
    }
    pthread_mutex_unlock(&lock);
    return ok;
}

static void redact(char *text) {
    for (size_t i = 0; i < n_secrets; i++) {
        size_t size = strlen(secrets[i]);
        for (char *at = text; (at = strstr(at, secrets[i])) != NULL; at += 3) {
            memcpy(at, "***", 3);
            memmove(at + 3, at + size, strlen(at + size) + 1);
        }
    }
}

void nl_log_redact(char *text) {
    pthread_mutex_lock(&lock);
    redact(text);
    pthread_mutex_unlock(&lock);
}

bool nl_log_is_live(void) {
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0 && !as_json;
}

/* Control characters would let a database's or an endpoint's words move the cursor, or worse. */
static void disarm(char *text) {
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7F)
            *text = '?';
    }
}

/* The live block is taken away before a line is written, and put back after it. */
static void erase_block(void) {
    if (block_lines > 0)
        (void)fprintf(stderr, "\r\033[%uA\033[J", block_lines);
    block_lines = 0;
}

static void draw_block(void) {
    if (block.size == 0)
        return;
    for (const char *at = block.data; *at;) {
        size_t n = strcspn(at, "\n");
        (void)fprintf(stderr, "%.*s\n", (int)n, at);
        block_lines++;
        at += n + (at[n] == '\n');
    }
}

void nl_log_block(const char *lines) {
    if (!nl_log_is_live())
        return;
    pthread_mutex_lock(&lock);
    if (!block.data)
        nl_buf_init(&block);
    erase_block();
    nl_buf_clear(&block);
    nl_buf_str(&block, lines);
    if (block.size > 0) {
        redact(block.data);
        disarm(block.data);
    }
    draw_block();
    (void)fflush(stderr);
    pthread_mutex_unlock(&lock);
}

/* A JSON string's inside. */
static void json_escape(nl_buf *out, const char *text) {
    const char *end = text + strlen(text), *valid = text + nl_utf8_span(text, (size_t)(end - text));
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (text == valid) { /* a byte that is no part of a character */
            nl_buf_str(out, "\\ufffd");
            valid = text + 1 + nl_utf8_span(text + 1, (size_t)(end - text - 1));
            continue;
        }
        if (c == '"' || c == '\\')
            nl_buf_printf(out, "\\%c", c);
        else if (c < 0x20)
            nl_buf_printf(out, "\\u%04x", c);
        else
            nl_buf_char(out, (char)c);
    }
}

static void format_line(nl_buf *line, nl_level level, const char *message, bool json) {
    char when[40];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    if (json) {
        nl_buf_printf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"msg\":\"", when,
                      level_names[level]);
        json_escape(line, message);
        nl_buf_str(line, "\"}\n");
    } else if (level == NL_INFO) {
        nl_buf_printf(line, "%s\n", message);
    } else {
        nl_buf_printf(line, "%s: %s\n", level_names[level], message);
    }
}

void nl_log(nl_level level, const char *format, ...) {
    nl_buf message, line;
    va_list args;

    if (level < least_level)
        return;
    nl_buf_init(&message);
    nl_buf_init(&line);
    va_start(args, format);
    nl_buf_vprintf(&message, format, args);
    va_end(args);
    pthread_mutex_lock(&lock);
    if (message.size > 0) {
        redact(message.data);
        if (!as_json)
            disarm(message.data);
    }
    format_line(&line, level, message.data, as_json);
    erase_block();
    (void)fwrite(line.data, 1, line.size, stderr);
    draw_block();
    (void)fflush(stderr);
    if (copy) {
        (void)fwrite(line.data, 1, line.size, copy);
        (void)fflush(copy);
    }
    pthread_mutex_unlock(&lock);
    nl_buf_release(&message);
    nl_buf_release(&line);
}
