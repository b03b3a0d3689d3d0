/* Runs a fuzz target over files and folders of inputs, without libFuzzer: the seeds, and whatever
 * a fuzzer once found, stay tests. */
#include <dirent.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "fuzz.h"

#include "base/banned.h"

static unsigned replayed;

static void replay_file(const char *path) {
    nl_buf input;
    nl_err err = { .code = NL_OK };
    nl_buf_init(&input);
    if (!nl_buf_read_file(&input, path, 0, &err)) {
        (void)fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
    /* A copy of the exact size, so that the sanitizers see a read past its end. */
    uint8_t *exact = malloc(input.size ? input.size : 1);
    MUST(exact);
    for (size_t i = 0; i < input.size; i++)
        exact[i] = (uint8_t)input.data[i];
    (void)LLVMFuzzerTestOneInput(exact, input.size);
    replayed++;
    free(exact);
    nl_buf_release(&input);
}

static void replay_folder(const char *path) {
    DIR *folder = opendir(path);
    MUST(folder);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        char name[4096];
        if (entry->d_name[0] == '.')
            continue;
        int n = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        MUST(n > 0 && (size_t)n < sizeof name);
        replay_file(name);
    }
    closedir(folder);
}

int main(int argc, char **argv) {
    if (LLVMFuzzerInitialize)
        LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) {
        struct stat info;
        if (stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode))
            replay_folder(argv[i]);
        else
            replay_file(argv[i]);
    }
    (void)printf("%u inputs replayed\n", replayed);
    return replayed > 0 ? 0 : 1;
}
