#include "io/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

#include "base/banned.h"

enum { MAX_QUEUED = 8 << 20, MAX_NAME = 200 };

struct line {
    struct line *next;
    size_t size;    /* the newline's byte included */
    size_t name_at; /* where in `text` the file's name follows the line */
    char text[];
};

/* The file that was written to last, open: a run of lines for one file opens it once. */
struct file {
    int fd; /* -1: none */
    char name[MAX_NAME + 1];
    bool torn; /* it does not end in a newline */
};

struct nl_journal {
    char *folder;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t wanted, idle;
    struct line *first, **end;
    size_t queued; /* bytes */
    bool writing, closing;
    bool warned;
    size_t lost;
};

bool nl_journal_is_name(const char *name) {
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz"
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                            "0123456789-_.");
    return n > 0 && n <= MAX_NAME && name[n] == '\0' && name[0] != '.';
}

nl_journal *nl_journal_new(const char *folder, nl_err *err) {
    nl_journal *journal = calloc(1, sizeof *journal);
    char *copy = strdup(folder);
    if (!journal || !copy) {
        free(journal);
        free(copy);
        nl_err_nomem(err);
        return NULL;
    }
    journal->folder = copy;
    journal->end = &journal->first;
    pthread_mutex_init(&journal->lock, NULL);
    pthread_cond_init(&journal->wanted, NULL);
    pthread_cond_init(&journal->idle, NULL);
    return journal;
}

/* --- the writing thread ----------------------------------------------------------------------- */

static bool make_folder(const char *folder, nl_err *err) {
    if (mkdir(folder, 0700) == 0 || errno == EEXIST)
        return true;
    return nl_err_errno(err, "cannot make the folder %s", folder);
}

static void close_file(struct file *file) {
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

static bool ends_otherwise(int fd) {
    struct stat is;
    char last = '\n';
    if (fstat(fd, &is) != 0 || !S_ISREG(is.st_mode) || is.st_size == 0)
        return false;
    return pread(fd, &last, 1, is.st_size - 1) == 1 && last != '\n';
}

/* Does the file end in something else than a newline? Another process may be writing a line just
 * now: hence the second look. */
static bool is_torn(int fd) {
    struct timespec nap = { .tv_nsec = 5 * 1000 * 1000 };
    if (!ends_otherwise(fd))
        return false;
    nanosleep(&nap, NULL);
    return ends_otherwise(fd);
}

static bool open_file(nl_journal *journal, struct file *file, const char *name, nl_err *err) {
    if (file->fd >= 0 && strcmp(file->name, name) == 0)
        return true;
    close_file(file);
    char *path = nl_journal_path(journal, name, err);
    if (!path)
        return false;
    file->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file->fd < 0) {
        nl_err_errno(err, "cannot write %s", path);
    } else {
        (void)snprintf(file->name, sizeof file->name, "%s", name);
        file->torn = is_torn(file->fd);
    }
    free(path);
    return file->fd >= 0;
}

static bool write_line(nl_journal *journal, struct file *file, struct line *line, nl_err *err) {
    const char *name = line->text + line->name_at;
    if (!open_file(journal, file, name, err))
        return false;
    size_t size, at = 0;
    nl_log_redact(line->text); /* ends at the NUL before the name, gets no longer */
    size = strlen(line->text);
    line->text[size++] = '\n';
    if (file->torn && write(file->fd, "\n", 1) != 1)
        goto fail;
    file->torn = false;
    while (at < size) {
        ssize_t n = write(file->fd, line->text + at, size - at);
        if (n < 0 && errno != EINTR)
            goto fail;
        at += n > 0 ? (size_t)n : 0;
    }
    return true;
fail:
    nl_err_errno(err, "cannot write %s/%s", journal->folder, name);
    close_file(file); /* to be looked at again: it may be torn now */
    return false;
}

static void note_loss(nl_journal *journal, const nl_err *err) {
    pthread_mutex_lock(&journal->lock);
    bool first = !journal->warned;
    journal->warned = true;
    journal->lost++;
    pthread_mutex_unlock(&journal->lock);
    if (first)
        nl_log(NL_WARN, "%s; this goes on without what belongs there", err->msg);
}

static void write_lines(nl_journal *journal, struct file *file, struct line *line) {
    while (line) {
        struct line *next = line->next;
        nl_err err = { .code = NL_OK };
        if (!write_line(journal, file, line, &err))
            note_loss(journal, &err);
        free(line);
        line = next;
    }
}

static void *write_queue(void *arg) {
    nl_journal *journal = arg;
    struct file file = { .fd = -1 };
    pthread_mutex_lock(&journal->lock);
    while (journal->first || !journal->closing) {
        struct line *lines = journal->first;
        if (!lines) {
            journal->writing = false;
            pthread_cond_broadcast(&journal->idle);
            pthread_cond_wait(&journal->wanted, &journal->lock);
            continue;
        }
        journal->first = NULL;
        journal->end = &journal->first;
        size_t size = journal->queued;
        journal->writing = true;
        pthread_mutex_unlock(&journal->lock);
        write_lines(journal, &file, lines);
        close_file(&file); /* somebody may move a log away while nothing is written */
        pthread_mutex_lock(&journal->lock);
        journal->queued -= size;
    }
    pthread_mutex_unlock(&journal->lock);
    return NULL;
}

/* --- the journal ------------------------------------------------------------------------------ */

static bool start_thread(nl_journal *journal, nl_err *err) {
    if (journal->started)
        return true;
    int code = pthread_create(&journal->thread, NULL, write_queue, journal);
    if (code != 0)
        return nl_err_set(err, NL_IO, "cannot start a thread that writes logs: %s", strerror(code));
    journal->started = true;
    return true;
}

bool nl_journal_append(nl_journal *journal, const char *name, const char *text, size_t size,
                       nl_err *err) {
    if (!nl_journal_is_name(name))
        return nl_err_set(
            err, NL_INVALID,
            "\"%.200s\" cannot be the name of a log: expected letters, digits, \"-\", "
            "\"_\" and \".\"",
            name);
    if (memchr(text, '\n', size) || memchr(text, '\0', size))
        return nl_err_set(err, NL_INVALID, "a line of a log holds neither newline nor NUL");
    if (!start_thread(journal, err))
        return false;
    struct line *line = malloc(sizeof *line + size + 1 + strlen(name) + 1);
    if (!line)
        return nl_err_nomem(err);
    *line = (struct line){ .size = size + 1, .name_at = size + 1 };
    memcpy(line->text, text, size);
    line->text[size] = '\0';
    memcpy(line->text + line->name_at, name, strlen(name) + 1);

    pthread_mutex_lock(&journal->lock);
    bool fits = journal->queued + line->size <= MAX_QUEUED;
    if (fits) {
        *journal->end = line;
        journal->end = &line->next;
        journal->queued += line->size;
        pthread_cond_signal(&journal->wanted);
    }
    pthread_mutex_unlock(&journal->lock);
    if (fits)
        return true;
    free(line);
    nl_err_set(err, NL_LIMIT, "%s: over %d MB wait to be written", journal->folder,
               MAX_QUEUED >> 20);
    note_loss(journal, err);
    return false;
}

void nl_journal_flush(nl_journal *journal) {
    if (!journal || !journal->started)
        return;
    pthread_mutex_lock(&journal->lock);
    while (journal->first || journal->writing)
        pthread_cond_wait(&journal->idle, &journal->lock);
    pthread_mutex_unlock(&journal->lock);
}

size_t nl_journal_lost(nl_journal *journal) {
    pthread_mutex_lock(&journal->lock);
    size_t lost = journal->lost;
    pthread_mutex_unlock(&journal->lock);
    return lost;
}

char *nl_journal_path(nl_journal *journal, const char *name, nl_err *err) {
    char *path = NULL;
    if (!make_folder(journal->folder, err))
        return NULL;
    if (asprintf(&path, "%s/%s", journal->folder, name) >= 0)
        return path;
    nl_err_nomem(err);
    return NULL;
}

void nl_journal_free(nl_journal *journal) {
    if (!journal)
        return;
    if (journal->started) {
        pthread_mutex_lock(&journal->lock);
        journal->closing = true;
        pthread_cond_signal(&journal->wanted);
        pthread_mutex_unlock(&journal->lock);
        pthread_join(journal->thread, NULL);
    }
    pthread_mutex_destroy(&journal->lock);
    pthread_cond_destroy(&journal->wanted);
    pthread_cond_destroy(&journal->idle);
    free(journal->folder);
    free(journal);
}
